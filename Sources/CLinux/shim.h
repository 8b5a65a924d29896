/* What glibc has on Linux and Swift's module of it has not. */
#pragma once
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

extern int sync_file_range(int descriptor, int64_t offset, int64_t count, unsigned int flags);
static const unsigned int dray_sync_file_range_write = 2;

/* The name that takes 64-bit offsets everywhere. */
extern int dray_fallocate(int descriptor, int mode, int64_t offset, int64_t count) __asm__("fallocate64");
static const int dray_fallocate_keep_size = 1;

/* openat(2) that fails with ELOOP if anything on the path is a symbolic link, and with EXDEV if it leaves the base. */
static inline int dray_open_without_links(int base, const char *path, int flags) {
    struct open_how how = {.flags = (uint64_t)flags, .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH};
    return (int)syscall(SYS_openat2, base, path, &how, sizeof how);
}
/* openat(2) that fails with EXDEV if the name, which has no slash, is a mount point. */
static inline int dray_open_without_mounts(int base, const char *name, int flags) {
    struct open_how how = {.flags = (uint64_t)flags, .resolve = RESOLVE_NO_XDEV};
    return (int)syscall(SYS_openat2, base, name, &how, sizeof how);
}
/* renameat2(2) that fails with EEXIST if something has the new name. */
static inline int dray_rename_without_replacing(int base, const char *name, int newBase, const char *newName) {
    return (int)syscall(SYS_renameat2, base, name, newBase, newName, 1 /* RENAME_NOREPLACE */);
}
/* O_PATH, which glibc shows with _GNU_SOURCE alone. */
static const int dray_open_path = 010000000;
/* AT_EMPTY_PATH likewise. */
static const int dray_at_empty_path = 0x1000;

/* Whether a file is one of proc(5), whose links the kernel alone can follow. */
static inline int dray_is_in_proc(int descriptor) {
    struct statfs status;
    return fstatfs(descriptor, &status) == 0 && status.f_type == PROC_SUPER_MAGIC;
}
