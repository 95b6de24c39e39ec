/* SPDX-License-Identifier: MIT */
/* ext2/3/4 on-disk structures, as far as they are read or written here. All fields little endian. */
#ifndef EXT2_DISK_H
#define EXT2_DISK_H

#define EXT2_MAGIC 0xef53
#define EXT2_SB_OFFSET 1024
#define EXT2_ROOT_INO 2
#define EXT2_NAME_LEN 255
#define EXT2_N_BLOCKS 15
#define EXT2_NDIR 12
#define EXT2_LINK_MAX 32000

/* s_state */
#define EXT2_VALID_FS 1
#define EXT2_ERROR_FS 2
/* s_errors */
#define EXT2_ERRORS_CONTINUE 1
#define EXT2_ERRORS_RO 2
#define EXT2_ERRORS_PANIC 3

#define COMPAT_HAS_JOURNAL 0x4
#define COMPAT_EXT_ATTR 0x8
#define COMPAT_DIR_INDEX 0x20
#define COMPAT_SPARSE_SUPER2 0x200

#define INCOMPAT_COMPRESSION 0x1
#define INCOMPAT_FILETYPE 0x2
#define INCOMPAT_RECOVER 0x4
#define INCOMPAT_JOURNAL_DEV 0x8
#define INCOMPAT_META_BG 0x10
#define INCOMPAT_EXTENTS 0x40
#define INCOMPAT_64BIT 0x80
#define INCOMPAT_MMP 0x100
#define INCOMPAT_FLEX_BG 0x200
#define INCOMPAT_EA_INODE 0x400
#define INCOMPAT_CSUM_SEED 0x2000
#define INCOMPAT_LARGEDIR 0x4000

#define RO_COMPAT_SPARSE_SUPER 0x1
#define RO_COMPAT_LARGE_FILE 0x2
#define RO_COMPAT_BTREE_DIR 0x4

/* What we read, and what we also write. Read-only mounts accept every read-only-compatible bit. */
#define EXT2_INCOMPAT_READ (INCOMPAT_FILETYPE | INCOMPAT_META_BG | INCOMPAT_EXTENTS | INCOMPAT_64BIT | \
	INCOMPAT_MMP | INCOMPAT_FLEX_BG | INCOMPAT_EA_INODE | INCOMPAT_CSUM_SEED | INCOMPAT_LARGEDIR)
#define EXT2_INCOMPAT_WRITE INCOMPAT_FILETYPE
#define EXT2_RO_COMPAT_WRITE (RO_COMPAT_SPARSE_SUPER | RO_COMPAT_LARGE_FILE | RO_COMPAT_BTREE_DIR)

struct ext2_super {
	u32 s_inodes_count, s_blocks_count, s_r_blocks_count, s_free_blocks_count;
	u32 s_free_inodes_count, s_first_data_block, s_log_block_size, s_log_frag_size;
	u32 s_blocks_per_group, s_frags_per_group, s_inodes_per_group, s_mtime;
	u32 s_wtime;
	u16 s_mnt_count, s_max_mnt_count, s_magic, s_state, s_errors, s_minor_rev_level;
	u32 s_lastcheck, s_checkinterval, s_creator_os, s_rev_level;
	u16 s_def_resuid, s_def_resgid;
	u32 s_first_ino;
	u16 s_inode_size, s_block_group_nr;
	u32 s_feature_compat, s_feature_incompat, s_feature_ro_compat;
	u8 s_uuid[16];
	char s_volume_name[16], s_last_mounted[64];
	u32 s_algorithm_usage_bitmap;
	u8 s_prealloc_blocks, s_prealloc_dir_blocks;
	u16 s_reserved_gdt_blocks;
	u8 s_journal_uuid[16];
	u32 s_journal_inum, s_journal_dev, s_last_orphan, s_hash_seed[4];
	u8 s_def_hash_version, s_jnl_backup_type;
	u16 s_desc_size;
	u32 s_default_mount_opts, s_first_meta_bg, s_mkfs_time, s_jnl_blocks[17];
	u32 s_blocks_count_hi, s_r_blocks_count_hi, s_free_blocks_count_hi;
	u16 s_min_extra_isize, s_want_extra_isize;
	u32 s_flags;
	u8 s_rest[1024 - 0x164];
} __attribute__((packed));
_Static_assert(sizeof(struct ext2_super) == 1024, "superblock");

struct ext2_group { /* 32 bytes; with 64BIT s_desc_size bytes, high halves behind */
	u32 bg_block_bitmap, bg_inode_bitmap, bg_inode_table;
	u16 bg_free_blocks_count, bg_free_inodes_count, bg_used_dirs_count, bg_flags;
	u32 bg_exclude_bitmap;
	u16 bg_block_bitmap_csum, bg_inode_bitmap_csum, bg_itable_unused, bg_checksum;
	u32 bg_block_bitmap_hi, bg_inode_bitmap_hi, bg_inode_table_hi;
} __attribute__((packed));

struct ext2_dinode { /* the first 128 bytes, then the extra part of 256-byte inodes */
	u16 i_mode, i_uid;
	u32 i_size, i_atime, i_ctime, i_mtime, i_dtime;
	u16 i_gid, i_links_count;
	u32 i_blocks, i_flags, i_osd1;
	u32 i_block[EXT2_N_BLOCKS];
	u32 i_generation, i_file_acl, i_size_high, i_faddr;
	u16 i_blocks_high, i_file_acl_high, i_uid_high, i_gid_high;
	u32 i_osd2;
	u16 i_extra_isize, i_checksum_hi;
	u32 i_ctime_extra, i_mtime_extra, i_atime_extra, i_crtime, i_crtime_extra;
} __attribute__((packed));
#define EXT2_GOOD_OLD_INODE 128u

/* i_flags */
#define EXT2_SYNC_FL 0x8
#define EXT2_IMMUTABLE_FL 0x10
#define EXT2_APPEND_FL 0x20
#define EXT2_NOATIME_FL 0x80
#define EXT2_INDEX_FL 0x1000
#define EXT2_HUGE_FILE_FL 0x40000
#define EXT2_EXTENTS_FL 0x80000
#define EXT2_INLINE_DATA_FL 0x10000000
#define EXT2_FL_INHERITED (EXT2_SYNC_FL | EXT2_NOATIME_FL)

struct ext2_dirent {
	u32 inode;
	u16 rec_len;
	u8 name_len, file_type;
	char name[];
} __attribute__((packed));
#define EXT2_DIR_REC_LEN(n) (((n) + 8 + 3) & ~3u)
/* file_type */
enum { EXT2_FT_UNKNOWN, EXT2_FT_REG, EXT2_FT_DIR, EXT2_FT_CHR, EXT2_FT_BLK, EXT2_FT_FIFO, EXT2_FT_SOCK, EXT2_FT_LNK };

struct ext4_extent_header {
	u16 eh_magic, eh_entries, eh_max, eh_depth;
	u32 eh_generation;
} __attribute__((packed));
#define EXT4_EXT_MAGIC 0xf30a
struct ext4_extent {
	u32 ee_block;
	u16 ee_len, ee_start_hi;
	u32 ee_start;
} __attribute__((packed));
#define EXT4_EXT_INIT_MAX 32768 /* longer: unwritten, length is the excess */
struct ext4_extent_idx {
	u32 ei_block, ei_leaf;
	u16 ei_leaf_hi, ei_unused;
} __attribute__((packed));

struct ext2_xattr_header {
	u32 h_magic, h_refcount, h_blocks, h_hash, h_checksum, h_reserved[3];
} __attribute__((packed));
struct ext2_xattr_entry {
	u8 e_name_len, e_name_index;
	u16 e_value_offs;
	u32 e_value_block, e_value_size, e_hash;
	char e_name[];
} __attribute__((packed));
#define EXT2_XATTR_MAGIC 0xea020000
#define EXT2_XATTR_REFS_MAX 1024

#endif
