// SPDX-License-Identifier: Apache-2.0
// storage.hpp: typed client of the service "storage": partitioned, ordered documents.
//
// A document lives in (collection, partition, key); keys of one collection and partition are ordered as
// unsigned bytes. A Batch is atomic and touches one partition, any number of its collections. All of its
// conditions hold at the moment it is applied, or nothing is written and the status is LCG_E_CONFLICT.
//
// Durability: a batch with durable = true is acknowledged after it and EVERY batch acknowledged before it, in
// any partition of the same store, is on stable storage (the log is one, synced in order). durable = false is
// acknowledged when applied: it survives a crash of the process, and a power loss from the next durable batch
// on.
//
// Fencing: the host stamps each call with the term under which this node owns the partition's slot; the store
// refuses a term older than one it has seen for the slot with LCG_E_FENCED. An author does nothing for it.
//
// Limits: key and partition 512 bytes, value 4 MiB, batch 1,024 operations or 16 MiB, scan 1,000 rows or 4
// MiB.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "lcg/config.hpp"
#include "lcg/host.hpp"
#include "lcg/provided.hpp"
#include "lcg/services/storage_wire.hpp"

namespace lcg::storage {

// `host`, where a store is configured; else the plugin does not start, and this says why. For a plugin that is of no
// use without one, before it makes anything: `host_(storage::required(host))`.
inline Host required(Host host) {
  if (!provided(host, "storage")) {
    throw ConfigError(
        "needs the service 'storage', which no plugin provides: name one under plugins, e.g. "
        "storage_rocksdb");
  }
  return host;
}

// Lane: the instance's. Every function resolves on the same lane.
class Client {
 public:
  explicit Client(Host host) : host_(host) {}

  // Reply status: LCG_OK, LCG_E_CONFLICT (message names the first failed condition), LCG_E_FENCED,
  // LCG_E_INVALID (over a limit), LCG_E_TIMEOUT (outcome unknown), LCG_E_UNAVAILABLE (store refuses writes).
  Task<Reply> commit(std::string partition, Batch batch) const;
  // data is the value; LCG_E_NOT_FOUND when absent.
  Task<Reply> get(std::string partition, std::string collection, std::string key) const;
  Task<Outcome<ScanRows>> scan(std::string partition, Scan scan) const;

 private:
  Host host_;
};

// --- implementation ------------------------------------------------------------------------------

inline Task<Reply> Client::commit(std::string partition, Batch batch) const {
  co_return co_await host_.call({"storage", "commit", std::move(partition), batch.encode(), 0});
}

inline Task<Reply> Client::get(std::string partition, std::string collection, std::string key) const {
  std::string data = wire::Writer().str(collection).str(key).take();
  co_return co_await host_.call({"storage", "get", std::move(partition), std::move(data), 0});
}

inline Task<Outcome<ScanRows>> Client::scan(std::string partition, Scan scan) const {
  std::string data = scan.encode();
  Reply reply = co_await host_.call({"storage", "scan", std::move(partition), std::move(data), 0});
  Outcome<ScanRows> out{reply.status, reply.message, {}};
  if (reply.status == LCG_OK && !ScanRows::decode(reply.data, out.value)) out.status = LCG_E_INTERNAL;
  co_return out;
}

}  // namespace lcg::storage
