/* SPDX-License-Identifier: MIT */
/* What ubench runs: ends at once. */
int main(void)
{
	return 0;
}
