#include "pointwise.h"

#include "loops.h"

#define WIDTH 4
#define NAMESPACE pointwise128
#include "pointwise_simd.h"
#undef WIDTH
#undef NAMESPACE

// See loops.cpp.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define ORDO_X86 1

#pragma GCC push_options
#pragma GCC target("avx2,fma")
#define WIDTH 8
#define NAMESPACE pointwise256
#include "pointwise_simd.h"
#undef WIDTH
#undef NAMESPACE
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")
#define WIDTH 16
#define NAMESPACE pointwise512
#include "pointwise_simd.h"
#undef WIDTH
#undef NAMESPACE
#pragma GCC pop_options
#endif

namespace ordo {

const Pointwise &pointwise() {
#ifdef ORDO_X86
  const int bits = loops().bits;
  if (bits >= 512) return pointwise512::table;
  if (bits >= 256) return pointwise256::table;
#endif
  return pointwise128::table;
}

}  // namespace ordo
