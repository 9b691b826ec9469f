#include "broker/channel/memory_channel.h"

#include "broker/channel/access.h"

namespace lcg::broker {

MemoryChannel::MemoryChannel(ChannelContext& context, std::string name, const ChannelOptions& options)
    : Channel(context, std::move(name), options) {}

Stream& MemoryChannel::stream() {
  last_use_ = context_.lane.now();
  if (stream_ == nullptr)
    stream_ = std::make_unique<Stream>(options().history_size, options().history_ttl, context_.lane.random());
  return *stream_;
}

StreamPosition MemoryChannel::send(std::shared_ptr<Publication> publication, bool keep) {
  StreamPosition position;
  if (keep && options().keeps_history()) position = stream().append(context_.lane.now(), publication);
  fan_out(publication);
  return position;
}

void MemoryChannel::publish(PublishRequest request, PublishFn done) {
  auto publication = std::make_shared<Publication>();
  publication->data = std::move(request.data);
  publication->info = publisher_info(*request.peer);
  publication->has_info = true;
  PublishResponse answer;
  answer.position = send(std::move(publication), true);
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
  answer.position = send(std::make_shared<Publication>(std::move(publish.publication)), !publish.options.skip_history);
  return answer;
}

void MemoryChannel::attach(const SubscribeRequest& request, Millis, SubscribeFn done) {
  SubscribeResponse answer;
  answer.recoverable = is_recoverable(options(), request);
  answer.positioned = is_positioned(options(), request);
  answer.was_recovering = request.recover;
  if (answer.positioned) answer.position = stream().top();
  if (request.recover && answer.recoverable) {
    Stream::Recovery recovery = stream().recover(context_.lane.now(), request.since);
    answer.recovered = recovery.recovered;
    answer.publications = std::move(recovery.publications);
    if (answer.recovered) answer.position.offset = request.since.offset;
  }
  done(std::move(answer));
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

std::optional<MonoTime> MemoryChannel::maintain(MonoTime now) {
  if (stream_ != nullptr) {
    const MonoTime contents = stream_->expire(now);
    const MonoTime meta = last_use_ + options().history_meta_ttl;
    if (stream_->kept() > 0) return contents;
    if (now < meta) return meta;
    if (members().empty()) stream_.reset();
  }
  if (stream_ == nullptr && members().empty()) return std::nullopt;
  return kNever;
}

StreamPosition MemoryChannel::position() const {
  return stream_ == nullptr ? StreamPosition{} : stream_->top();
}

}  // namespace lcg::broker
