#pragma once
#include <zlib.h>

/* zlib's initialisers are macros, which Swift cannot call. */
static inline int dray_inflate_init(z_streamp stream, int window_bits) { return inflateInit2(stream, window_bits); }
static inline int dray_deflate_init_raw(z_streamp stream, int level) {
    return deflateInit2(stream, level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
}
