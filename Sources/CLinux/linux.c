#define _GNU_SOURCE
#include "CLinux.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

const int dray_open_path = O_PATH;
const int dray_at_empty_path = AT_EMPTY_PATH;

int dray_begin_writeback(int descriptor, int64_t offset, int64_t count) {
    return sync_file_range(descriptor, offset, count, SYNC_FILE_RANGE_WRITE);
}

int dray_reserve(int descriptor, int64_t offset, int64_t count) {
    return fallocate64(descriptor, FALLOC_FL_KEEP_SIZE, offset, count);
}

int dray_open_without_links(int base, const char *path, int flags) {
    struct open_how how = {.flags = (uint64_t)flags, .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH};
    return (int)syscall(SYS_openat2, base, path, &how, sizeof how);
}

int dray_open_without_mounts(int base, const char *name, int flags) {
    struct open_how how = {.flags = (uint64_t)flags, .resolve = RESOLVE_NO_XDEV};
    return (int)syscall(SYS_openat2, base, name, &how, sizeof how);
}

int dray_rename_without_replacing(int base, const char *name, int new_base, const char *new_name) {
    return (int)syscall(SYS_renameat2, base, name, new_base, new_name, RENAME_NOREPLACE);
}

int dray_is_in_proc(int descriptor) {
    struct statfs status;
    return fstatfs(descriptor, &status) == 0 && status.f_type == PROC_SUPER_MAGIC;
}

void dray_tune_malloc(int mmap_threshold, int arenas) {
    mallopt(M_MMAP_THRESHOLD, mmap_threshold);
    mallopt(M_ARENA_MAX, arenas);
}
