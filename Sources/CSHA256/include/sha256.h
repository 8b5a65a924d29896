/*
 * The inner loop of SHA-256 (FIPS 180-4, section 6.2.2) with the x86 SHA extensions, of one message and of two at
 * once. The instructions of one message wait for each other most of the time; those of a second one fill the gaps.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether this processor has the instructions; without them nothing else here may be called. */
bool dray_sha256_available(void);

/* Takes `count` blocks of 64 bytes at `bytes` into the hash value `state` of eight words. */
void dray_sha256_blocks(uint32_t *state, const uint8_t *bytes, size_t count);

/* The same for two messages, `count` blocks of each. */
void dray_sha256_blocks_of_two(
    uint32_t *state, const uint8_t *bytes, uint32_t *other_state, const uint8_t *other_bytes, size_t count);
