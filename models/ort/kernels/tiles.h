// The processor's matrix units (AMX).
#ifndef ORDO_KERNELS_TILES_H
#define ORDO_KERNELS_TILES_H

namespace ordo {

// tiles_possible: there are some, and the system lets this process use them.
bool tiles_possible();

}  // namespace ordo
#endif
