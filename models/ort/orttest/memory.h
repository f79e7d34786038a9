// What C's allocator says of itself.
#ifndef ORDO_ORTTEST_MEMORY_H
#define ORDO_ORTTEST_MEMORY_H

#include <stddef.h>

// ordo_memory_in_use is how many bytes malloc has given out and not got back; 0 where the C library doesn't tell.
size_t ordo_memory_in_use(void);

#endif
