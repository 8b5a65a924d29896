/* What glibc has on Linux and Swift's module of it has not. */
#pragma once
#include <malloc.h>
#include <stdint.h>

extern int sync_file_range(int descriptor, int64_t offset, int64_t count, unsigned int flags);
static const unsigned int dray_sync_file_range_write = 2;

/* The name that takes 64-bit offsets everywhere. */
extern int dray_fallocate(int descriptor, int mode, int64_t offset, int64_t count) __asm__("fallocate64");
static const int dray_fallocate_keep_size = 1;
