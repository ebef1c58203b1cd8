// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * main() of a fuzzer without libFuzzer: feeds it every file of the directories named, which hold
 * its seeds and every crash ever found. Fails when there is none, as nothing would be tested.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An exact copy on the heap, so that ASan sees a read past its end. */
static int replay(int dir, const char *name)
{
	uint8_t *data = NULL;
	struct stat st;
	int fd, err = -1;

	fd = openat(dir, name, O_RDONLY);
	if (fd < 0 || fstat(fd, &st))
		goto out;
	data = malloc(st.st_size);
	if ((!data && st.st_size) || read(fd, data, st.st_size) != st.st_size)
		goto out;
	LLVMFuzzerTestOneInput(data, st.st_size);
	err = 0;
out:
	if (err)
		perror(name);
	free(data);
	if (fd >= 0)
		close(fd);
	return err;
}

int main(int argc, char **argv)
{
	unsigned int inputs = 0;
	struct dirent *entry;
	DIR *dir;
	int i;

	for (i = 1; i < argc; i++) {
		dir = opendir(argv[i]);
		if (!dir) {
			perror(argv[i]);
			return 1;
		}
		while ((entry = readdir(dir))) {
			if (entry->d_name[0] == '.')
				continue;
			if (replay(dirfd(dir), entry->d_name))
				return 1;
			inputs++;
		}
		closedir(dir);
	}
	printf("%u inputs\n", inputs);
	return inputs ? 0 : 1;
}
