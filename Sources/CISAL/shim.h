#pragma once
#include <isa-l/igzip_lib.h>
#include <isa-l/crc.h>
#include <isa-l/erasure_code.h>

/* The sizes of the levels' memory are expressions, which Swift cannot import. */
static const uint32_t dray_level_memory[4] = {0, ISAL_DEF_LVL1_DEFAULT, ISAL_DEF_LVL2_DEFAULT, ISAL_DEF_LVL3_DEFAULT};
static inline uint32_t dray_level_memory_of(int level) { return dray_level_memory[level]; }
