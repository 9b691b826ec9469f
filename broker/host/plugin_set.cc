#include "broker/host/plugin_set.h"

#include "base/log.h"

namespace lcg::host {

Result<std::unique_ptr<PluginSet>> PluginSet::make(const HostOptions& options, std::vector<PluginSpec> specs,
                                                   std::vector<Lane*> lanes, Bus& bus, BlockingPool& pool) {
  if (lanes.empty()) return Status{Code::kInvalid, "plugins need at least one broker lane"};
  auto roster = Roster::load(options, std::move(specs), static_cast<uint32_t>(lanes.size()));
  if (!roster.ok()) return roster.status();
  return std::unique_ptr<PluginSet>(new PluginSet(std::move(roster.value()), std::move(lanes), bus, pool));
}

PluginSet::PluginSet(std::unique_ptr<const Roster> roster, std::vector<Lane*> lanes, Bus& bus,
                     BlockingPool& pool)
    : roster_(std::move(roster)), shared_{*roster_, bus, pool, interest_, {}}, lanes_(std::move(lanes)) {
  for (uint32_t i = 0; i < lanes_.size(); ++i) {
    hosts_.push_back(std::make_unique<LaneHost>(shared_, i, *lanes_[i]));
    shared_.lanes.push_back(hosts_.back().get());
  }
}

std::vector<LaneHost*> PluginSet::hosts_of(uint32_t plugin) const {
  std::vector<LaneHost*> out;
  for (const auto& host : hosts_) {
    if (host->instance(plugin) != nullptr) out.push_back(host.get());
  }
  return out;
}

std::vector<std::string> PluginSet::unread_settings(uint32_t plugin) const {
  const Plugin& p = (*roster_)[plugin];
  if (p.settings == nullptr) return {};
  std::lock_guard lock(*p.settings_mutex);
  return p.settings->unread();
}

// --- start ---------------------------------------------------------------------------------------

// One plugin's way to ready. Its own state is touched on the first lane only; what runs on another lane
// reports there.
class PluginSet::Start : public std::enable_shared_from_this<PluginSet::Start> {
 public:
  Start(PluginSet& set, uint32_t plugin, StatusFn done)
      : set_(set), plugin_(plugin), hosts_(set.hosts_of(plugin)), done_(std::move(done)) {}

  // One after another, so that a mistake in the settings is reported once and not by every lane.
  void create(uint32_t index) {
    if (index == hosts_.size()) return start();
    on(index, [index](Start& me, LaneHost& host) {
      Status created = host.create(me.plugin_, index, static_cast<uint32_t>(me.hosts_.size()));
      me.home([index, created = std::move(created)](Start& self) mutable {
        if (!created.ok()) return self.done_(std::move(created));
        self.create(index + 1);
      });
    });
  }

 private:
  void start() {
    for (const std::string& key : set_.unread_settings(plugin_)) {
      log::warn("setting not known to its plugin",
                {{"plugin", (*set_.roster_)[plugin_].loaded.name}, {"setting", key}});
    }
    waiting_ = hosts_.size();
    for (uint32_t index = 0; index < hosts_.size(); ++index) {
      on(index, [](Start& me, LaneHost& host) {
        host.start(me.plugin_, [self = me.shared_from_this()](Status started) {
          self->home(
              [started = std::move(started)](Start& at_home) mutable { at_home.ready(std::move(started)); });
        });
      });
    }
  }
  // Waits for the others even after an error, so that no answer comes after `done`.
  void ready(Status started) {
    if (!started.ok() && result_.ok()) result_ = std::move(started);
    if (--waiting_ == 0) done_(std::move(result_));
  }

  template <class Body>
  void on(uint32_t index, Body body) {
    LaneHost& host = *hosts_[index];
    host.lane().post(
        [self = shared_from_this(), &host, body = std::move(body)]() mutable { body(*self, host); });
  }
  template <class Body>
  void home(Body body) {
    set_.lanes_.front()->post([self = shared_from_this(), body = std::move(body)]() mutable { body(*self); });
  }

  PluginSet& set_;
  const uint32_t plugin_;
  const std::vector<LaneHost*> hosts_;
  StatusFn done_;
  size_t waiting_ = 0;
  Status result_;
};

void PluginSet::start_plugin(uint32_t plugin, StatusFn done) {
  auto start = std::make_shared<Start>(*this, plugin, std::move(done));
  lanes_.front()->post([start] { start->create(0); });
}

void PluginSet::start_all(uint32_t first, StatusFn done) {
  if (first >= size()) {
    lanes_.front()->post([done = std::move(done)]() mutable { done({}); });
    return;
  }
  start_plugin(first, [this, first, done = std::move(done)](Status started) mutable {
    if (!started.ok()) return done(std::move(started));
    start_all(first + 1, std::move(done));
  });
}

// --- stop ----------------------------------------------------------------------------------------

class PluginSet::Stop : public std::enable_shared_from_this<PluginSet::Stop> {
 public:
  Stop(PluginSet& set, StatusFn done) : set_(set), left_(set.size()), done_(std::move(done)) {}

  // On the first lane.
  void next() {
    if (left_ == 0) return done_(trouble_.empty() ? Status{} : Status{Code::kTimeout, trouble_});
    const uint32_t plugin = --left_;
    const std::vector<LaneHost*> hosts = set_.hosts_of(plugin);
    waiting_ = hosts.size();
    for (LaneHost* host : hosts) {
      host->lane().post([self = shared_from_this(), host, plugin] {
        host->stop(plugin, [self](Status stopped) {
          self->set_.lanes_.front()->post(
              [self, stopped = std::move(stopped)] { self->one_stopped(stopped); });
        });
      });
    }
  }

 private:
  void one_stopped(const Status& stopped) {
    if (!stopped.ok()) trouble_ += (trouble_.empty() ? "" : "\n") + stopped.message();
    if (--waiting_ == 0) next();
  }

  PluginSet& set_;
  uint32_t left_;
  StatusFn done_;
  size_t waiting_ = 0;
  std::string trouble_;
};

void PluginSet::stop(StatusFn done) {
  auto stop = std::make_shared<Stop>(*this, std::move(done));
  lanes_.front()->post([stop] { stop->next(); });
}

}  // namespace lcg::host
