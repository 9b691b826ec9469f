#include "broker/channel/memory_channel.h"

#include <utility>

namespace lcg::broker {

MemoryChannel::MemoryChannel(ChannelContext& context, std::string name, const ChannelOptions& options)
    : StreamChannel(context, std::move(name), options) {}

void MemoryChannel::use_stream() {
  last_use_ = context_.lane.now();
  if (stream_ != nullptr) return;
  const bool history = options().keeps_history();
  PastStream past = context_.positions.take(last_use_, options().number, name());
  stream_ = std::make_unique<Stream>(history ? options().history_size : 1,
                                     history ? options().history_ttl : options().history_meta_ttl,
                                     std::move(past.position));
  if (past.version != 0)
    version_ = std::make_unique<Version>(Version{past.version, std::move(past.version_epoch)});
}

StreamPosition MemoryChannel::send(const std::shared_ptr<Publication>& publication,
                                   const PublishOptions& options) {
  if (this->options().keeps_stream()) {
    use_stream();
    if (is_stale(options)) return stream_->top();
  }
  return deliver(publication, options);
}

void MemoryChannel::publish(PublishRequest request, PublishOptions options, PublishFn done) {
  PublishResponse answer;
  const std::shared_ptr<Publication> publication = made_of(request, options);
  answer.position = send(publication, options);
  done(std::move(answer));
}

void MemoryChannel::server_publish(ServerPublish publish, PublishFn done) {
  PublishResponse answer;
  if (refuse_positions(publish, answer)) return done(std::move(answer));
  auto publication = std::make_shared<Publication>(std::move(publish.publication));
  publication->tags = std::move(publish.options.tags);
  answer.position = send(publication, publish.options);
  done(std::move(answer));
}

void MemoryChannel::attach(const SubscribeRequest& request, const SubscribeGrant& grant, Millis,
                           SubscribeFn done) {
  Wanted wanted;
  SubscribeResponse answer = opened(request, grant, wanted);
  if (wanted.position) {
    use_stream();
    recover(request, wanted, answer);
  }
  done(std::move(answer));
}

void MemoryChannel::history(HistoryRequest request, HistoryFn done) {
  use_stream();
  done(read(request));
}

void MemoryChannel::remove_history(HistoryRemoveFn done) {
  if (stream_ != nullptr) stream_->clear();
  done({});
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

}  // namespace lcg::broker
