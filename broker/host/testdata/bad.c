/* One plugin that is right, and every way in which its descriptor can be wrong, chosen by a definition. */
#include "lcg/lcg_plugin.h"

static lcg_status create(const lcg_host* host, lcg_instance** out, char* err, size_t err_size) {
  (void)host, (void)out, (void)err, (void)err_size;
  return LCG_OK;
}
static void start(lcg_instance* instance, lcg_token ready) { (void)instance, (void)ready; }
static void stop(lcg_instance* instance, lcg_token done) { (void)instance, (void)done; }
static void destroy(lcg_instance* instance) { (void)instance; }

static const lcg_plugin_ops ops = {
#ifdef BAD_OPS_SIZE
    .struct_size = 16,
#else
    .struct_size = sizeof(lcg_plugin_ops),
#endif
#ifdef BAD_NO_ON_REQUEST
    .request_mask = 1u << LCG_REQ_RPC,
#endif
#ifndef BAD_NO_STOP
    .stop = stop,
#endif
    .create = create,
    .start = start,
    .destroy = destroy,
};

static const lcg_descriptor descriptor = {
#ifdef BAD_MAGIC
    .magic = 0xdeadbeef,
#else
    .magic = LCG_ABI_MAGIC,
#endif
#ifdef BAD_SIZE
    .struct_size = 24,
#else
    .struct_size = sizeof(lcg_descriptor),
#endif
#ifdef BAD_MAJOR
    .abi_major = LCG_ABI_MAJOR + 1,
#else
    .abi_major = LCG_ABI_MAJOR,
#endif
#ifdef BAD_MINOR
    .abi_minor = LCG_ABI_MINOR + 7,
    .min_host_minor = LCG_ABI_MINOR + 7,
#elif defined(NEWER_MINOR)
    .abi_minor = LCG_ABI_MINOR + 7,
#endif
#ifdef BAD_NAME
    .name = "Not-A-Name",
#elif defined(BAD_OTHER_NAME)
    .name = "somebody_else",
#else
    .name = PLUGIN_NAME,
#endif
#ifndef BAD_NULL_VERSION
    .version = "1.2.3",
#endif
    .license = "Apache-2.0",
#ifdef BAD_NO_ON_CALL
    .provides = "storage",
#else
    .provides = "",
#endif
#ifndef BAD_NULL_OPS
    .ops = &ops,
#endif
};

#ifdef BAD_NO_SYMBOL
LCG_EXPORT const lcg_descriptor* another_symbol(void) { return &descriptor; }
#else
LCG_EXPORT const lcg_descriptor* lcg_plugin_descriptor(void) {
#ifdef BAD_NULL_DESCRIPTOR
  return 0;
#else
  return &descriptor;
#endif
}
#endif
