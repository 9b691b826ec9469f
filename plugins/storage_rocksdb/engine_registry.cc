// SPDX-License-Identifier: Apache-2.0
#include "plugins/storage_rocksdb/engine_registry.h"

#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace lcg::storage_rocksdb {
namespace {

struct Entry {
  std::unique_ptr<Engine> engine;
  size_t users = 0;
};

struct Registry {
  std::mutex mutex;
  std::map<std::string, Entry> engines;  // by path; guarded by mutex
};

Registry& registry() {
  static Registry instance;
  return instance;
}

}  // namespace

EngineLease EngineLease::acquire(const EngineOptions& options, std::string& error) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  EngineLease lease;
  auto it = all.engines.find(options.path);
  if (it == all.engines.end()) {
    std::unique_ptr<Engine> engine = Engine::open(options, error);
    if (engine == nullptr) return lease;
    it = all.engines.emplace(options.path, Entry{std::move(engine), 0}).first;
  }
  ++it->second.users;
  lease.engine_ = it->second.engine.get();
  lease.path_ = options.path;
  return lease;
}

void EngineLease::release() {
  if (engine_ == nullptr) return;
  engine_ = nullptr;
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  const auto it = all.engines.find(path_);
  if (--it->second.users == 0) all.engines.erase(it);
}

EngineLease::EngineLease(EngineLease&& other) noexcept
    : engine_(std::exchange(other.engine_, nullptr)), path_(std::move(other.path_)) {}

EngineLease& EngineLease::operator=(EngineLease&& other) noexcept {
  if (this != &other) {
    release();
    engine_ = std::exchange(other.engine_, nullptr);
    path_ = std::move(other.path_);
  }
  return *this;
}

}  // namespace lcg::storage_rocksdb
