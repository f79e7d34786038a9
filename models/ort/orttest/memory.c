#define _GNU_SOURCE  // RTLD_DEFAULT
#include "memory.h"

#ifdef __APPLE__
#include <malloc/malloc.h>

size_t ordo_memory_in_use(void) {
  malloc_statistics_t all = {0};
  malloc_zone_statistics(NULL, &all);
  return all.size_in_use;
}
#else
#include <dlfcn.h>

// glibc's struct mallinfo2, over all arenas. The function is looked up by name: glibc has it from 2.33 on, other
// libraries don't.
struct arenas {
  size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};

size_t ordo_memory_in_use(void) {
  struct arenas (*mallinfo2)(void) = (struct arenas(*)(void))dlsym(RTLD_DEFAULT, "mallinfo2");
  if (!mallinfo2) return 0;
  const struct arenas all = mallinfo2();
  return all.uordblks + all.hblkhd;
}
#endif
