// SPDX-License-Identifier: Apache-2.0
// Linked into what runs RocksDB under ThreadSanitizer: Debian's library is not instrumented, so the sanitizer
// sees its memory accesses but not all that orders them.
#ifdef __SANITIZE_THREAD__
extern "C" __attribute__((visibility("default"))) const char* __tsan_default_suppressions() {
  return "race:librocksdb.so\ncalled_from_lib:librocksdb.so\n";
}
#endif
