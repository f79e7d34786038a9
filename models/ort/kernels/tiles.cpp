#include "tiles.h"

#include "tiles_simd.h"

#ifdef ORDO_TILES
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

bool ordo::tiles_possible() {
  static const bool can = [] {
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    const bool amx = (d >> 22 & 1) && (d >> 24 & 1);  // AMX-BF16, AMX-TILE
    if (!__get_cpuid_count(7, 1, &a, &b, &c, &d)) return false;
    const bool bf16 = a >> 5 & 1;  // AVX512-BF16
    const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512vl");
    constexpr int kRequest = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    return amx && bf16 && avx512 && syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
  }();
  return can;
}
#else
bool ordo::tiles_possible() { return false; }
#endif
