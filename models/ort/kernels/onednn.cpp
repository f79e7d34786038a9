#include "onednn.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstring>

#include "kernels.h"
#include "tiles.h"

namespace ordo {
Dnnl dnnl;
static void *library;
}  // namespace ordo

using namespace ordo;

void ordo_onednn_close(void) {
  if (dnnl.engine) dnnl.engine_destroy(dnnl.engine);
  if (library) dlclose(library);
  library = nullptr;
  dnnl = Dnnl{};
}

char *ordo_onednn_open(const char *path, int version[3]) {
  library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!library) {
    const char *why = dlerror();
    return strdup(why ? why : "it cannot be loaded");
  }
  const char *fault = nullptr;
#define F(name, result, parameters)                                             \
  dnnl.name = reinterpret_cast<result(*) parameters>(dlsym(library, "dnnl_" #name)); \
  if (!dnnl.name) fault = "it is not oneDNN, or not one of version 3 (dnnl_" #name " is missing)";
  ORDO_DNNL_FUNCTIONS(F)
#undef F
  // A lookup by the handle finds the OpenMP runtime that this library is linked with.
  dnnl.omp_set_num_threads = reinterpret_cast<void (*)(int)>(dlsym(library, "omp_set_num_threads"));
  if (!fault) {
    const DnnlVersion *v = dnnl.version();
    version[0] = v->major, version[1] = v->minor, version[2] = v->patch;
    dnnl.alone();
    if (v->major != 3)
      fault = "it is not version 3 of oneDNN";
    else if (dnnl.engine_create(&dnnl.engine, DNNL_CPU, 0))
      fault = "it has no engine for the processor";
  }
  if (!fault) return nullptr;
  ordo_onednn_close();
  return strdup(fault);
}

int ordo_onednn_bf16(void) {
#if defined(__x86_64__)
  return dnnl.engine && (dnnl.get_effective_cpu_isa() & DNNL_ISA_AVX512_BF16) == DNNL_ISA_AVX512_BF16;
#else
  return 0;
#endif
}

int ordo_onednn_amx(void) {
  return dnnl.engine && (dnnl.get_effective_cpu_isa() & DNNL_ISA_AVX512_AMX) == DNNL_ISA_AVX512_AMX &&
         tiles_possible();
}
