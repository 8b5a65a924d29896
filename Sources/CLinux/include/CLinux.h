/* Linux calls and constants that Swift's module of glibc does not offer. This header includes none of glibc's own: types such as
   `struct stat` would then belong to two modules. */
#pragma once
#include <stdint.h>

/* O_PATH and AT_EMPTY_PATH. */
extern const int dray_open_path;
extern const int dray_at_empty_path;

/* Starts to write a range of a file to the disk, and does not wait for the end of it. */
int dray_begin_writeback(int descriptor, int64_t offset, int64_t count);
/* Reserves room beyond the file's end, whose size stays. */
int dray_reserve(int descriptor, int64_t offset, int64_t count);

/* openat(2) that fails with ELOOP if anything on the path is a symbolic link, and with EXDEV if it leaves the base. */
int dray_open_without_links(int base, const char *path, int flags);
/* openat(2) that fails with EXDEV if the name, which has no slash, is a mount point. */
int dray_open_without_mounts(int base, const char *name, int flags);
/* renameat2(2) that fails with EEXIST if something has the new name. */
int dray_rename_without_replacing(int base, const char *name, int new_base, const char *new_name);
/* Whether a file is one of proc(5), whose links the kernel alone can follow. */
int dray_is_in_proc(int descriptor);

/* Sets malloc's threshold for mappings, in bytes, and its number of arenas. */
void dray_tune_malloc(int mmap_threshold, int arenas);
