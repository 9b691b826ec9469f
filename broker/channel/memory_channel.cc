#include "broker/channel/memory_channel.h"

#include "broker/channel/access.h"

namespace lcg::broker {

MemoryChannel::MemoryChannel(ChannelContext& context, std::string name, const ChannelOptions& options)
    : Channel(context, std::move(name), options) {}

Stream& MemoryChannel::stream() {
  last_use_ = context_.lane.now();
  if (stream_ == nullptr) {
    const bool history = options().keeps_history();
    PastStream past = context_.positions.take(last_use_, options().number, name());
    stream_ = std::make_unique<Stream>(history ? options().history_size : 1,
                                       history ? options().history_ttl : options().history_meta_ttl,
                                       std::move(past.position));
    if (past.version != 0)
      version_ = std::make_unique<Version>(Version{past.version, std::move(past.version_epoch)});
  }
  return *stream_;
}

// A version is compared within its epoch; one of another epoch begins anew.
bool MemoryChannel::is_stale(PublishOptions& options) {
  if (version_ == nullptr) version_ = std::make_unique<Version>();
  const bool comparable = options.version_epoch.empty() || options.version_epoch == version_->epoch;
  if (comparable && options.version <= version_->number) return true;
  *version_ = {options.version, std::move(options.version_epoch)};
  return false;
}

void MemoryChannel::make_patch(Publication& publication) {
  if (base_moved_) return;
  const PublicationPtr base = stream_->latest(context_.lane.now());
  // Who can be sent only one of the two has no use for the difference.
  if (base == nullptr || base->binary != publication.binary) return;
  if (context_.deltas.make(base->data.view(), publication.data.view(), context_.delta))
    publication.patch = SharedBytes(context_.delta);
}

StreamPosition MemoryChannel::send(std::shared_ptr<Publication> publication, PublishOptions options) {
  publication->tags = std::move(options.tags);
  StreamPosition position;
  if (this->options().keeps_stream()) {
    Stream& kept = stream();
    if (options.version != 0 && is_stale(options)) return kept.top();
    if (!options.skip_history) {
      const bool wanted = options.delta || this->options().delta_publish;
      if (wanted && members().delta_count() > 0) make_patch(*publication);
      position = kept.append(context_.lane.now(), publication);
    }
    base_moved_ = options.skip_history;
  }
  fan_out(publication);
  return position;
}

void MemoryChannel::publish(PublishRequest request, PublishOptions options, PublishFn done) {
  auto publication = std::make_shared<Publication>();
  publication->data = std::move(request.data);
  publication->info = publisher_info(*request.peer);
  publication->has_info = true;
  publication->binary = !request.checked_json;
  PublishResponse answer;
  answer.position = send(std::move(publication), std::move(options));
  done(std::move(answer));
}

PublishResponse MemoryChannel::server_publish(ServerPublish publish) {
  PublishResponse answer;
  if (publish.positioned) {
    answer.error = make_error(error_code::kBadRequest);
    answer.error.message =
        "the channel's positions are the broker's: only its provider publishes with positions";
    return answer;
  }
  answer.position =
      send(std::make_shared<Publication>(std::move(publish.publication)), std::move(publish.options));
  return answer;
}

void MemoryChannel::attach(const SubscribeRequest& request, const SubscribeGrant& grant, Millis,
                           SubscribeFn done) {
  const SubscriberOptions own = subscriber_options(options(), grant.override_options);
  SubscribeResponse answer;
  answer.recoverable = is_recoverable(options(), own, request);
  answer.positioned = is_positioned(options(), own, request);
  answer.was_recovering = request.recover;
  answer.delta = takes_delta(options(), request);
  if (options().keeps_history()) recover(request, grant, answer);
  done(std::move(answer));
}

void MemoryChannel::recover(const SubscribeRequest& request, const SubscribeGrant& grant,
                            SubscribeResponse& answer) {
  const bool cached = options().recovery_mode == RecoveryMode::kCache;
  const bool asked = request.recover && answer.recoverable;
  const bool latest =
      cached ? asked || options().auto_cache_recover || grant.cache_recover : grant.cache_recover && !asked;
  if (answer.positioned || asked || latest) answer.position = stream().top();
  if (!asked && !latest) return;
  const MonoTime now = context_.lane.now();
  const StreamPosition since = request.recover ? request.since : StreamPosition{};
  Stream::Recovery recovery =
      latest ? stream().recover_latest(now, since) : stream().recover(now, since, options().recovery_bytes);
  answer.recovered = recovery.recovered;
  answer.publications = std::move(recovery.publications);
  if (!answer.recovered) return;
  // What the client continues from: where it was, or right before the latest.
  if (!latest)
    answer.position.offset = since.offset;
  else if (!answer.publications.empty())
    answer.position.offset = answer.publications.front()->offset - 1;
}

void MemoryChannel::history(HistoryRequest request, HistoryFn done) {
  HistoryResponse answer;
  answer.position = stream().top();
  if (request.has_since && !request.since.epoch.empty() && request.since.epoch != answer.position.epoch) {
    answer.error = make_error(error_code::kUnrecoverablePosition);
    return done(std::move(answer));
  }
  if (request.limit != 0) {
    const uint64_t* since = request.has_since ? &request.since.offset : nullptr;
    answer.publications =
        stream().read(context_.lane.now(), since, request.reverse, history_limit(request.limit));
  }
  done(std::move(answer));
}

HistoryRemoveResponse MemoryChannel::remove_history() {
  if (stream_ != nullptr) stream_->clear();
  return {};
}

std::optional<MonoTime> MemoryChannel::maintain(MonoTime now) {
  if (stream_ != nullptr) {
    // Without a history the latest is kept for the next one's delta, which nobody takes.
    if (members().empty() && !options().keeps_history()) stream_->clear();
    const MonoTime contents = stream_->expire(now);
    if (stream_->kept() > 0) return contents;
  }
  if (members().empty()) return std::nullopt;
  return kNever;
}

void MemoryChannel::retire(MonoTime now) {
  if (stream_ == nullptr) return;
  PastStream past;
  past.position = stream_->top();
  if (version_ != nullptr) {
    past.version = version_->number;
    past.version_epoch = std::move(version_->epoch);
  }
  stream_ = nullptr;
  version_ = nullptr;
  if (past.position.offset == 0 && past.version == 0) return;
  context_.positions.keep(now, options().number, name(), std::move(past),
                          last_use_ + options().history_meta_ttl);
}

StreamPosition MemoryChannel::position() const {
  return stream_ == nullptr ? StreamPosition{} : stream_->top();
}

}  // namespace lcg::broker
