#include "loops.h"

#include "kernels.h"
#include "winograd.h"

// GCC compiles a region for another processor than the rest; elsewhere the loops are as wide as any processor's
// vectors.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define ORDO_X86 1
#endif

#define WIDTH 4
#define NAMESPACE loops128
#include "loops_simd.h"
#undef WIDTH
#undef NAMESPACE

#ifdef ORDO_X86
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#define WIDTH 8
#define NAMESPACE loops256
#include "loops_simd.h"
#include "winograd_simd.h"
#undef WIDTH
#undef NAMESPACE
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")
#define WIDTH 16
#define NAMESPACE loops512
#include "loops_simd.h"
#include "winograd_simd.h"
#undef WIDTH
#undef NAMESPACE
#pragma GCC pop_options
#endif

namespace ordo {

static int limit = 512;

const Loops &loops() {
#ifdef ORDO_X86
  static const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  static const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (avx512 && limit >= 512) return loops512::table;
  if (avx2 && limit >= 256) return loops256::table;
#endif
  return loops128::table;
}

const WinogradLoops *winograd_loops() {
#ifdef ORDO_X86
  if (loops().bits == 512) return &loops512::winograd::table;
  if (loops().bits == 256) return &loops256::winograd::table;
#endif
  return nullptr;
}

}  // namespace ordo

int ordo_vector_bits(void) { return ordo::loops().bits; }

void ordo_limit_vectors(int bits) { ordo::limit = bits; }
