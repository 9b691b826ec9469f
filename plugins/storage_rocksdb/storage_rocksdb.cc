// SPDX-License-Identifier: Apache-2.0
// storage_rocksdb: the service "storage" (lcg/services/storage.hpp) on RocksDB. Settings and limits:
// README.md.
//
// Every instance is a thin face on one shared engine: a commit is queued to the engine's thread and resumes
// on its lane, with one wake-up for all that one group of commits has finished; a read tries memory on the
// lane and goes to the blocking pool only for what is on disk.
#include <algorithm>
#include <chrono>
#include <coroutine>
#include <filesystem>
#include <string>
#include <utility>

#include "lcg/plugin.hpp"
#include "lcg/services/storage.hpp"
#include "lcg/services/storage_scrub.hpp"
#include "plugins/storage_rocksdb/batch_view.h"
#include "plugins/storage_rocksdb/engine_registry.h"
#include "plugins/storage_rocksdb/key_codec.h"
#include "plugins/storage_rocksdb/open_store.h"

namespace lcg::storage_rocksdb {
namespace {

// Requests to scrub that come within this time are one run, and its end is looked for as often.
constexpr std::chrono::milliseconds kScrubGather{200};

// One commit as something to co_await. Lives in the coroutine's frame: stop waits for it.
class CommitOp : public Commit {
 public:
  CommitOp(Engine* engine, CommitSink* to, ServiceCall call, const BatchSummary& summary) : engine_(engine) {
    partition = std::move(call.key);
    data = std::move(call.data);
    slot = call.slot;
    term = call.term;
    durable = summary.durable;
    conditional = summary.conditional;
    sink = to;
  }

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> handle) noexcept {
    handle_ = handle;
    if (engine_->submit(this)) return true;
    status = LCG_E_BUSY;
    message = "the store's queue is full";
    return false;
  }
  Reply await_resume() noexcept { return Reply::error(status, std::move(message)); }

  void resume() { handle_.resume(); }

 private:
  Engine* const engine_;
  std::coroutine_handle<> handle_;
};

EngineOptions read_options(const Host& host) {
  EngineOptions options;
  options.path = host.config_required("path");
  options.sync = host.config_bool("sync", true);
  options.write_buffer_bytes =
      host.config_size("write_buffer", options.write_buffer_bytes, 1u << 20, 4ull << 30);
  options.cache_bytes = host.config_size("cache", options.cache_bytes, 1u << 20, 1ull << 40);
  options.max_open_files =
      static_cast<int>(host.config_int("max_open_files", options.max_open_files, 64, 1 << 20));
  options.queue_batches =
      static_cast<uint32_t>(host.config_int("queue.batches", options.queue_batches, 1, 1 << 20));
  options.queue_bytes =
      host.config_size("queue.bytes", options.queue_bytes, storage::kMaxBatchBytes, 4ull << 30);
  return options;
}

class StorageRocksdb final : public CommitSink {
 public:
  explicit StorageRocksdb(Host host) : host_(host), options_(read_options(host)) {
    if (options_.path.empty()) throw ConfigError("path", "the store's directory", options_.path);
    // One name for one directory: instances share the engine by it.
    options_.path = std::filesystem::absolute(options_.path).lexically_normal().string();
    while (options_.path.size() > 1 && options_.path.back() == '/') options_.path.pop_back();
  }

  Task<Reply> start() {
    if (!options_.sync) host_.warn("sync is false: an acknowledged message may be lost at a power failure");
    std::string error, note;
    auto open = [options = options_, &note, &error] {
      return prepare_directory(options.path, note, error) ? EngineLease::acquire(options, error)
                                                          : EngineLease();
    };
    Outcome<EngineLease> opened = co_await host_.offload(std::move(open));
    if (!opened.ok()) co_return Reply::error(opened.status, opened.message);
    if (!note.empty()) host_.warn(note);
    if (!opened.value) co_return Reply::error(LCG_E_UNAVAILABLE, error);
    engine_ = std::move(opened.value);
    co_return Reply();
  }

  void on_stopping() {
    if (engine_) engine_->scrubber().cancel();
  }

  // Closing writes out memory: not on the lane, if the pool still takes work.
  Task<> stop() {
    auto close = [this] { engine_.release(); };
    const auto closed = co_await host_.offload(std::move(close));
    if (!closed.ok()) engine_.release();
  }

  Task<Reply> on_call(ServiceCall call) {
    if (call.key.empty() || call.key.size() > storage::kMaxKeyBytes)
      return refuse(LCG_E_INVALID, "the partition must have 1 to 512 bytes");
    if (call.slot >= kMaxSlots) return refuse(LCG_E_INVALID, "the slot is out of range");
    if (call.method == "commit") return commit(std::move(call));
    if (call.method == "get") return get(std::move(call));
    if (call.method == "scan") return scan(std::move(call));
    if (call.method == "scrub") return scrub(std::move(call));
    return refuse(LCG_E_UNSUPPORTED, "storage has no method \"" + call.method.substr(0, 32) + "\"");
  }

  // Commit thread.
  void on_event(const std::string& event) noexcept override { host_.error(event); }
  void on_committed(Commit* list) noexcept override {
    host_.post([list] {
      for (Commit* commit = list; commit != nullptr;) {
        auto* const op = static_cast<CommitOp*>(commit);
        commit = commit->next;  // resuming ends op
        op->resume();
      }
    });
  }

 private:
  static Task<Reply> refuse(lcg_status status, std::string why) {
    co_return Reply::error(status, std::move(why));
  }

  Task<Reply> commit(ServiceCall call) {
    BatchSummary summary;
    std::string why = check_batch(call.data, summary);
    if (!why.empty()) co_return Reply::error(LCG_E_INVALID, std::move(why));
    CommitOp op(engine_.get(), this, std::move(call), summary);
    co_return co_await op;
  }

  Task<Reply> get(ServiceCall call) {
    wire::Reader reader(call.data);
    const std::string_view collection = reader.str(), key = reader.str();
    if (!reader.ok() || collection.empty() || key.size() > storage::kMaxKeyBytes)
      co_return Reply::error(LCG_E_INVALID, "get takes a collection and a key of at most 512 bytes");
    Reply reply;
    ReadOutcome outcome = engine_->get(Tier::kMemory, call.key, collection, key, reply.data);
    if (outcome == ReadOutcome::kWouldBlock) {
      auto read = [&] { return engine_->get(Tier::kDisk, call.key, collection, key, reply.data); };
      Outcome<ReadOutcome> done = co_await host_.offload(std::move(read));
      if (!done.ok()) co_return Reply::error(done.status, "too many reads from disk are waiting");
      outcome = done.value;
    }
    co_return finish(outcome, std::move(reply));
  }

  Task<Reply> scan(ServiceCall call) {
    storage::Scan query;
    if (!storage::Scan::decode(call.data, query) || query.collection.empty() ||
        std::max(query.from.size(), query.to.size()) > storage::kMaxKeyBytes + 1)
      co_return Reply::error(LCG_E_INVALID, "scan takes a collection and bounds of at most 512 bytes");
    Reply reply;
    ReadOutcome outcome = engine_->scan(Tier::kMemory, call.key, query, reply.data);
    if (outcome == ReadOutcome::kWouldBlock) {
      auto read = [&] { return engine_->scan(Tier::kDisk, call.key, query, reply.data); };
      Outcome<ReadOutcome> done = co_await host_.offload(std::move(read));
      if (!done.ok()) co_return Reply::error(done.status, "too many reads from disk are waiting");
      outcome = done.value;
    }
    co_return finish(outcome, std::move(reply));
  }

  Task<Reply> scrub(ServiceCall call) {
    std::vector<storage::DocumentName> documents;
    if (!storage::decode(call.data, documents) || documents.size() > storage::kMaxScrubDocuments)
      co_return Reply::error(LCG_E_INVALID, "scrub takes at most 1024 names of documents");
    std::vector<std::string> keys;
    keys.reserve(documents.size());
    for (const storage::DocumentName& name : documents)
      keys.push_back(partition_prefix(name.collection, call.key) + name.key);
    Scrubber& scrubber = engine_->scrubber();
    const std::shared_ptr<Scrubber::Run> run = scrubber.join(std::move(keys));
    while (!run->over()) {
      const lcg_status slept = co_await host_.sleep(kScrubGather);
      if (slept != LCG_OK) co_return Reply::error(LCG_E_CANCELLED, "stopping");
      if (!scrubber.begin(run)) continue;
      auto work = [&] {
        scrubber.run(run);
        return true;
      };
      const Outcome<bool> went = co_await host_.offload(std::move(work));
      if (!went.ok()) scrubber.give_back(run);
    }
    if (!run->failure().empty()) co_return Reply::error(LCG_E_UNAVAILABLE, run->failure());
    co_return Reply();
  }

  Reply finish(ReadOutcome outcome, Reply reply) {
    if (outcome == ReadOutcome::kOk) return reply;
    if (outcome == ReadOutcome::kNotFound) return Reply::error(LCG_E_NOT_FOUND, "no such document");
    if (!std::exchange(read_failed_, true)) host_.error(reply.data);
    return Reply::error(LCG_E_UNAVAILABLE, std::move(reply.data));
  }

  const Host host_;
  EngineOptions options_;
  EngineLease engine_;
  bool read_failed_ = false;  // said in the log
};

}  // namespace
}  // namespace lcg::storage_rocksdb

LCG_PLUGIN_PROVIDES(lcg::storage_rocksdb::StorageRocksdb, "storage_rocksdb", "0.1.0", "Apache-2.0", "storage")
