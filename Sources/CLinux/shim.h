/* What glibc has on Linux and Swift's module of it has not. */
#pragma once
#include <fcntl.h>
#include <linux/openat2.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

extern int sync_file_range(int descriptor, int64_t offset, int64_t count, unsigned int flags);
static const unsigned int dray_sync_file_range_write = 2;

/* The name that takes 64-bit offsets everywhere. */
extern int dray_fallocate(int descriptor, int mode, int64_t offset, int64_t count) __asm__("fallocate64");
static const int dray_fallocate_keep_size = 1;

/* openat(2) that fails with ELOOP if anything on the path is a symbolic link. */
static inline int dray_open_without_links(int base, const char *path, int flags) {
    struct open_how how = {.flags = (uint64_t)flags, .resolve = RESOLVE_NO_SYMLINKS};
    return (int)syscall(SYS_openat2, base, path, &how, sizeof how);
}
/* O_PATH, which glibc shows with _GNU_SOURCE alone. */
static const int dray_open_path = 010000000;
