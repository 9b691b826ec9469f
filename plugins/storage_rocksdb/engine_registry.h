// SPDX-License-Identifier: Apache-2.0
// engine_registry: the instances of one process share one engine per path. Locked at start and stop only.
#pragma once
#include <string>

#include "plugins/storage_rocksdb/engine.h"

namespace lcg::storage_rocksdb {

// One use of a shared engine; the last one to go closes the store. Opening and closing block.
class EngineLease {
 public:
  EngineLease() = default;
  EngineLease(EngineLease&& other) noexcept;
  EngineLease& operator=(EngineLease&& other) noexcept;
  ~EngineLease() { release(); }

  // The engine at options.path, opened with these options if nobody holds it. An empty lease: `error` says
  // why.
  static EngineLease acquire(const EngineOptions& options, std::string& error);
  void release();

  explicit operator bool() const { return engine_ != nullptr; }
  Engine* operator->() const { return engine_; }
  Engine* get() const { return engine_; }

 private:
  Engine* engine_ = nullptr;
  std::string path_;
};

}  // namespace lcg::storage_rocksdb
