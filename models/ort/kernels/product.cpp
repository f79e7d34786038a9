#include "product.h"

#include "loops.h"

// As in loops.cpp: what GCC alone can compile for other processors than the rest.
#define WIDTH 4
#define ROWS 6
#define NAMESPACE products128
#include "product_simd.h"
#undef WIDTH
#undef ROWS
#undef NAMESPACE

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define ORDO_X86 1
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#define WIDTH 8
#define ROWS 6
#define NAMESPACE products256
#include "product_simd.h"
#undef WIDTH
#undef ROWS
#undef NAMESPACE
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")
#define WIDTH 16
#define ROWS 14
#define NAMESPACE products512
#include "product_simd.h"
#undef WIDTH
#undef ROWS
#undef NAMESPACE
#pragma GCC pop_options
#endif

namespace ordo {

const Products &products() {
#ifdef ORDO_X86
  if (loops().bits == 512) return products512::table;
  if (loops().bits == 256) return products256::table;
#endif
  return products128::table;
}

}  // namespace ordo
