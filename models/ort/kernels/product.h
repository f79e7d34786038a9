// Products of matrices in any order in memory, on one thread, each compiled for several vector widths (product_simd.h).
#ifndef ORDO_KERNELS_PRODUCT_H
#define ORDO_KERNELS_PRODUCT_H

#include <cstddef>
#include <cstdint>

namespace ordo {

// Matrix is where a matrix lies: element (i, j) is data[i * row + j * column].
struct Matrix {
  const float *data;
  int64_t row, column;
};

// Product is C = alpha · A · B (+ bias), with A of [m, k], B of [k, n], and C of [m, n], whose rows lie together.
struct Product {
  int64_t m, n, k;
  Matrix a, b;
  float *c;
  int64_t c_row;  // from a row of C to the next
  float alpha;
  const float *bias;  // [n], added to each row; or null
};

// The loops for a vector width. The sums over k are taken in blocks whose size depends on k alone: an element of C has
// the same bits whatever part of C it is computed with.
struct Products {
  int rows, columns;  // of the tiles of C: parts of a matrix should be multiples of that
  // multiply needs this many bytes of scratch, aligned to cache lines.
  size_t (*scratch)(const Product &p);
  void (*multiply)(const Product &p, char *scratch);
};

// products are those for this processor.
const Products &products();

// tile_products are those on matrix units, with factors rounded to bfloat16; null where there are none.
const Products *tile_products();

}  // namespace ordo
#endif
