# SPDX-License-Identifier: MIT
# Sourced in dom0's shell by tests/system/test_faults.py: the hostile guest, the bystander, what dom0 holds.
F=/root/faults
CONSOLE=/var/log/xen/console

# xml NAME ATTACK SEED [MIB]: the hostile guest's XML, in /tmp/NAME.xml
xml() {
    sed -e "s/@NAME@/$1/g" -e "s/@CMD@/attack=$2 seed=$3/" -e "s/@MIB@/${4:-32}/" $F/hostile.xml > /tmp/$1.xml
}

# said NAME WORDS SECONDS: waits until the guest's console log has the words
said() {
    end=$(($(date +%s) + $3))
    while ! grep -q "$2" $CONSOLE/guest-$1.log 2>/dev/null; do
        [ $(date +%s) -ge $end ] && { echo "NOTSAID $2"; return 1; }
        sleep 0.2
    done
}

# gone NAME SECONDS
gone() {
    end=$(($(date +%s) + $2))
    while xl domid $1 >/dev/null 2>&1; do
        [ $(date +%s) -ge $end ] && { echo "NOTGONE $1"; return 1; }
        sleep 0.2
    done
}

# attack NAME SEED SECONDS: runs it to its end and prints what matters of its words
attack() {
    rm -f $CONSOLE/guest-h-$1.log*
    xml h-$1 $1 $2
    xl create -q /tmp/h-$1.xml || return 1
    said h-$1 "attack $1 done" $3
    grep -aEv '^ok ' $CONSOLE/guest-h-$1.log | cut -c 1-200 | tail -n 40
}

rounds() { sed -n 's/^round \([0-9]*\) ok.*/\1/p' $CONSOLE/guest-bystander.log | tail -n 1; }

# alive SECONDS: the bystander makes two more rounds, none of them wrong
alive() {
    from=$(rounds)
    end=$(($(date +%s) + $1))
    while [ "$(rounds)" -lt $((from + 2)) ]; do
        [ $(date +%s) -ge $end ] && { echo "STUCK at $from"; tail -n 3 $CONSOLE/guest-bystander.log; return 1; }
        sleep 0.2
    done
    grep -a BAD $CONSOLE/guest-bystander.log && return 1
    echo "ALIVE $(rounds)"
}

# held: what dom0 holds for guests: nodes of the store, loop devices, processes, descriptors of the daemons, memory in use
held() {
    echo "nodes=$(xenstore-ls -f / | grep -cv '^/vm/00000000') loops=$(cat /sys/block/loop*/loop/backing_file 2>/dev/null | wc -l)" \
        "processes=$(set -- /proc/[0-9]*; echo $#)" \
        "fds=$(ls /proc/$(cat /run/xenstored.pid)/fd /proc/$(cat /run/xenconsoled.pid)/fd | wc -l)" \
        "$(python3 $F/heap.py)"
}

# refuse KIND: tries every file of $F/KIND as an XML (xml) or as a kernel (kernel); each must be refused with words. Prints those that
# were not, and how many were.
refuse() {
    n=0
    for f in $F/$1/*; do
        x=$f
        if [ $1 = kernel ]; then
            x=/tmp/refuse.xml
            sed -e "s,>/root/faults/hyperguest.elf<,>$f<," $F/plain.xml > $x
        fi
        timeout 20 xl create -p $x > /tmp/refuse.out 2>&1
        s=$?
        [ $s = 1 ] && [ -s /tmp/refuse.out ] && ! grep -qE 'Sanitizer|Segmentation|assert' /tmp/refuse.out || {
            echo "TAKEN $f status $s"
            head -c 300 /tmp/refuse.out
            xl destroy bad 2>/dev/null
        }
        echo "$(basename $f): $(tail -n 1 /tmp/refuse.out | cut -c 1-150)" >> /tmp/refused
        n=$((n + 1))
    done
    echo "REFUSED $n"
}

# cycles N: creates and destroys the hostile guest N times, paused, with its disks
cycles() {
    xml h-cycle loop 1
    for i in $(seq $1); do xl create -q -p /tmp/h-cycle.xml && xl destroy h-cycle || echo "CYCLE $i failed"; done
}
