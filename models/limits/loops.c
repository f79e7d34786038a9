#include "loops.h"

#include <time.h>

// Where the numbers of the chains end up, so that no compiler leaves the chains out.
static volatile float sink;
static volatile float factor = 0.999f, term = 0.001f;

// CHAINS independent sums hide the latency of one: it takes 4 or 5 cycles, and up to 4 can begin in each. They stay in
// registers.
#define MULTIPLY_ADD(NAME, BITS, CHAINS)                            \
  static double NAME(long rounds) {                                 \
    typedef float vector __attribute__((vector_size(BITS / 8)));    \
    vector f = {0}, t = {0}, sum[CHAINS];                           \
    f += factor;                                                    \
    t += term;                                                      \
    for (int i = 0; i < CHAINS; i++) sum[i] = t * (float)i;         \
    for (long r = 0; r < rounds; r++)                               \
      for (int i = 0; i < CHAINS; i++) sum[i] = sum[i] * f + t;     \
    for (int i = 1; i < CHAINS; i++) sum[0] += sum[i];              \
    sink = sum[0][0];                                               \
    return 2.0 * (BITS / 32) * CHAINS * (double)rounds;             \
  }

#if defined(__x86_64__)
// 128 bits stand for a processor without fused multiply-adds: 16 registers hold two constants and the chains.
MULTIPLY_ADD(plain, 128, 12)
__attribute__((target("avx2,fma"))) MULTIPLY_ADD(avx2, 256, 12)
__attribute__((target("avx512f"))) MULTIPLY_ADD(avx512, 512, 24)

int ordo_limits_widths(int *bits) {
  int n = 0;
  bits[n++] = 128;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) bits[n++] = 256;
  if (__builtin_cpu_supports("avx512f")) bits[n++] = 512;
  return n;
}

#if defined(__linux__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11
#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

int ordo_limits_tiles(void) {
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d >> 22 & 1) || !(d >> 24 & 1)) return 0;
  return syscall(SYS_arch_prctl, 0x1023, 18) == 0;  // ARCH_REQ_XCOMP_PERM for tiles
}

// Four sums hide the latency of one.
__attribute__((target("amx-tile,amx-bf16"))) static double tiles(long rounds) {
  struct {
    unsigned char palette, start, reserved[14];
    unsigned short bytes[16];
    unsigned char rows[16];
  } __attribute__((aligned(64))) config = {.palette = 1};
  for (int i = 0; i < 8; i++) config.bytes[i] = 64, config.rows[i] = 16;
  __asm__ volatile("" : : "r"(&config) : "memory");  // GCC 12 takes the next line for one that reads 8 bytes
  _tile_loadconfig(&config);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_zero(4);
  _tile_zero(5);
  for (long r = 0; r < rounds; r++) {
    _tile_dpbf16ps(0, 4, 5);
    _tile_dpbf16ps(1, 4, 5);
    _tile_dpbf16ps(2, 4, 5);
    _tile_dpbf16ps(3, 4, 5);
  }
  _tile_release();
  return 4 * 2.0 * 16 * 16 * 32 * (double)rounds;
}
#else
int ordo_limits_tiles(void) { return 0; }
static double tiles(long rounds) { return 0 * rounds; }
#endif

double ordo_limits_multiply_add(int bits, long rounds) {
  if (bits == ORDO_LIMITS_TILES) return tiles(rounds);
  return bits == 512 ? avx512(rounds) : bits == 256 ? avx2(rounds) : plain(rounds);
}
#else
MULTIPLY_ADD(plain, 128, 24)

int ordo_limits_widths(int *bits) {
  bits[0] = 128;
  return 1;
}

int ordo_limits_tiles(void) { return 0; }

double ordo_limits_multiply_add(int bits, long rounds) { return plain(rounds); }
#endif

double ordo_limits_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void ordo_limits_triad(float *a, const float *b, const float *c, float s, long n) {
  for (long i = 0; i < n; i++) a[i] = b[i] + s * c[i];
}
