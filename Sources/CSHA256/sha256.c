#include "sha256.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

/* FIPS 180-4, section 4.2.2. */
static const uint32_t constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

bool dray_sha256_available(void)
{
    unsigned int a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 29 & 1) && __builtin_cpu_supports("sse4.1");
}

/*
 * `lanes` is a constant where this is inlined, so that its loops are unrolled and the lanes' instructions interleaved.
 * The instructions want the eight words as ABEF and CDGH.
 */
__attribute__((target("sha,sse4.1"), always_inline)) static inline void
compress(const int lanes, uint32_t *const *states, const uint8_t *const *messages, size_t count)
{
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    __m128i abef[2], cdgh[2], first_abef[2], first_cdgh[2], words[2][4];

    for (int lane = 0; lane < lanes; lane++) {
        const __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)states[lane]), 0xb1);
        const __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(states[lane] + 4)), 0x1b);
        abef[lane] = _mm_alignr_epi8(badc, hgfe, 8);
        cdgh[lane] = _mm_blend_epi16(hgfe, badc, 0xf0);
    }
    for (size_t block = 0; block < count; block++) {
        for (int lane = 0; lane < lanes; lane++) {
            first_abef[lane] = abef[lane];
            first_cdgh[lane] = cdgh[lane];
        }
#pragma clang loop unroll(full)
        for (int step = 0; step < 16; step++) {
            const __m128i keys = _mm_load_si128((const __m128i *)(constants + 4 * step));
            for (int lane = 0; lane < lanes; lane++) {
                __m128i *const w = words[lane];
                if (step < 4) {
                    const uint8_t *const bytes = messages[lane] + 64 * block + 16 * step;
                    w[step] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)bytes), big_endian);
                } else {
                    const __m128i last = w[(step + 3) & 3];
                    const __m128i sum = _mm_add_epi32(
                        _mm_sha256msg1_epu32(w[step & 3], w[(step + 1) & 3]),
                        _mm_alignr_epi8(last, w[(step + 2) & 3], 4));
                    w[step & 3] = _mm_sha256msg2_epu32(sum, last);
                }
                const __m128i input = _mm_add_epi32(w[step & 3], keys);
                cdgh[lane] = _mm_sha256rnds2_epu32(cdgh[lane], abef[lane], input);
                abef[lane] = _mm_sha256rnds2_epu32(abef[lane], cdgh[lane], _mm_shuffle_epi32(input, 0x0e));
            }
        }
        for (int lane = 0; lane < lanes; lane++) {
            abef[lane] = _mm_add_epi32(abef[lane], first_abef[lane]);
            cdgh[lane] = _mm_add_epi32(cdgh[lane], first_cdgh[lane]);
        }
    }
    for (int lane = 0; lane < lanes; lane++) {
        const __m128i feba = _mm_shuffle_epi32(abef[lane], 0x1b);
        const __m128i dchg = _mm_shuffle_epi32(cdgh[lane], 0xb1);
        _mm_storeu_si128((__m128i *)states[lane], _mm_blend_epi16(feba, dchg, 0xf0));
        _mm_storeu_si128((__m128i *)(states[lane] + 4), _mm_alignr_epi8(dchg, feba, 8));
    }
}

__attribute__((target("sha,sse4.1"))) void
dray_sha256_blocks(uint32_t *state, const uint8_t *bytes, size_t count)
{
    uint32_t *const states[] = {state};
    const uint8_t *const messages[] = {bytes};
    compress(1, states, messages, count);
}

__attribute__((target("sha,sse4.1"))) void
dray_sha256_blocks_of_two(
    uint32_t *state, const uint8_t *bytes, uint32_t *other_state, const uint8_t *other_bytes, size_t count)
{
    uint32_t *const states[] = {state, other_state};
    const uint8_t *const messages[] = {bytes, other_bytes};
    compress(2, states, messages, count);
}

#else

#include <stdlib.h>

bool dray_sha256_available(void) { return false; }

void dray_sha256_blocks(uint32_t *state, const uint8_t *bytes, size_t count) { abort(); }

void dray_sha256_blocks_of_two(
    uint32_t *state, const uint8_t *bytes, uint32_t *other_state, const uint8_t *other_bytes, size_t count)
{
    abort();
}

#endif
