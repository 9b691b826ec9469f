#include "broker/broker.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace lcg::broker {

Broker::Broker(BrokerConfig config, std::vector<Lane*> lanes)
    : config_(std::move(config)),
      lanes_(std::move(lanes)),
      namespaces_(config_.without_namespace, config_.namespaces),
      slots_(config_.slots, static_cast<uint32_t>(lanes_.size())) {}

Result<std::unique_ptr<Broker>> Broker::make(BrokerConfig config, std::vector<Lane*> lanes, Bus& bus,
                                             BlockingPool& pool) {
  if (lanes.size() != bus.broker_lane_count() || config.slots != bus.slot_count())
    die("the bus was made for another number of broker lanes or slots than the broker");
  std::unique_ptr<Broker> broker(new Broker(std::move(config), std::move(lanes)));
  auto plugins =
      host::PluginSet::make(broker->config_.host, broker->config_.plugins, broker->lanes_, bus, pool);
  if (!plugins.ok()) return plugins.status();
  broker->plugins_ = std::move(plugins.value());

  broker->storage_ = broker->plugins_->services().find("storage");
  broker->config_.registry.stored = broker->storage_.has_value();
  if (Status agreed = broker->check_providers(); !agreed.ok()) return agreed;
  if (const std::vector<std::string> faults = broker->plugins_->authorities().faults(); !faults.empty())
    return Status(Code::kInvalid, faults.front());

  for (uint32_t i = 0; i < broker->lanes_.size(); ++i) {
    Lane& lane = *broker->lanes_[i];
    LaneContext context{lane,           bus, broker->plugins_->host(i), broker->config_, broker->namespaces_,
                        broker->slots_, i};
    broker->parts_.push_back(std::make_unique<BrokerLane>(context));
    bus.serve(i, lane, *broker->parts_.back());
  }
  broker->keeper_ = std::make_unique<LeaseKeeper>(*broker->lanes_.front(), broker->plugins_->host(0),
                                                  broker->slots_, broker->config_.node);
  return broker;
}

// The plugin host routes a publication by what the plugins provide, everyone else by the namespaces.
Status Broker::check_providers() const {
  const auto lacks_store = [this](const ChannelOptions& options) { return options.durable() && !storage_; };
  if (lacks_store(config_.without_namespace))
    return {Code::kInvalid,
            "channel.without_namespace has history: durable, which needs the service 'storage': name a "
            "plugin that provides it under plugins, e.g. storage_rocksdb"};
  for (const ChannelOptions& options : config_.namespaces) {
    if (lacks_store(options)) {
      return {Code::kInvalid,
              "the namespace '" + options.name + "' has history: durable, which needs the service " +
                  "'storage': name a plugin that provides it under plugins, e.g. storage_rocksdb"};
    }
    const bool plugin_provides = plugins_->services().provides_channels(options.name);
    if (options.provided() && !plugin_provides) {
      return {Code::kInvalid, "the namespace '" + options.name + "' has the provider '" + options.provider +
                                  "', but no plugin provides the service 'channel:" + options.provider +
                                  "': name that plugin under plugins"};
    }
    if (!options.provided() && plugin_provides) {
      return {Code::kInvalid, "a plugin provides the channels of the namespace '" + options.name +
                                  "': set its provider: " + options.name + ", or rename the namespace"};
    }
  }
  return {};
}

std::vector<Broker::SpaceCounts> Broker::channel_counts() const {
  std::vector<SpaceCounts> out;
  for (const std::string_view name : namespaces_.names()) out.push_back({name});
  for (const auto& part : parts_) {
    for (uint32_t space = 0; space < out.size(); ++space) {
      out[space].channels += part->channels().channels_of(space);
      out[space].positions += part->channels().positions_of(space);
    }
  }
  return out;
}

std::vector<std::string> Broker::provided_namespaces() const {
  std::vector<std::string> out;
  for (const ChannelOptions& options : config_.namespaces)
    if (options.provided()) out.push_back(options.name);
  return out;
}

void Broker::start(DoneFn done) {
  if (config_.insecure)
    log::warn("broker.insecure is set: nobody needs a token and everybody may do everything");
  if (!storage_) {
    log::warn(
        "no plugin provides the service 'storage': devices, blocked users and when users were seen are not "
        "kept, and a plugin that needs it does not start");
    // Nothing is fenced by them: there is nobody to share with.
    for (uint32_t slot = 0; slot < slots_.count(); ++slot) slots_.set_term(slot, 1);
    return own_slots([this, done = std::move(done)](Status owned) mutable {
      if (!owned.ok()) return done(std::move(owned));
      start_plugins(0, std::move(done));
    });
  }
  plugins_->start_plugin(*storage_, [this, done = std::move(done)](Status started) mutable {
    if (!started.ok()) return done(std::move(started));
    keeper_->acquire_all([this, done = std::move(done)](Status acquired) mutable {
      if (!acquired.ok()) return done(std::move(acquired));
      log::info("slots taken", {{"slots", slots_.count()}, {"term", slots_.term(0)}, {"node", config_.node}});
      own_slots([this, done = std::move(done)](Status owned) mutable {
        if (!owned.ok()) return done(std::move(owned));
        start_plugins(0, std::move(done));
      });
    });
  });
}

void Broker::own_slots(DoneFn done) {
  // Counted down on the first lane only.
  auto waiting = std::make_shared<std::pair<size_t, DoneFn>>(lanes_.size(), std::move(done));
  for (uint32_t i = 0; i < lanes_.size(); ++i) {
    lanes_[i]->post([this, i, waiting] {
      for (uint32_t slot = i; slot < slots_.count(); slot += slots_.lanes())
        plugins_->host(i).slot_changed(slot, slots_.term(slot), true);
      lanes_.front()->post([waiting] {
        if (--waiting->first == 0) waiting->second(Status());
      });
    });
  }
}

void Broker::start_plugins(uint32_t next, DoneFn done) {
  if (next == storage_) ++next;
  if (next >= plugins_->size()) return done(Status());
  plugins_->start_plugin(next, [this, next, done = std::move(done)](Status started) mutable {
    if (!started.ok()) return done(std::move(started));
    start_plugins(next + 1, std::move(done));
  });
}

void Broker::stop(DoneFn done) { plugins_->stop(std::move(done)); }

}  // namespace lcg::broker
