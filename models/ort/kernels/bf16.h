// bfloat16: the upper half of a float.
#ifndef ORDO_KERNELS_BF16_H
#define ORDO_KERNELS_BF16_H

#include <cstdint>

namespace ordo {

struct bf16 {
  uint16_t bits;
};

}  // namespace ordo
#endif
