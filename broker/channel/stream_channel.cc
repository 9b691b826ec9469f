#include "broker/channel/stream_channel.h"

#include <utility>

#include "broker/channel/access.h"

namespace lcg::broker {

// A version is compared within its epoch; one of another epoch begins anew.
bool StreamChannel::is_stale(const PublishOptions& options) {
  if (options.version == 0) return false;
  if (version_ == nullptr) version_ = std::make_unique<Version>();
  const bool comparable = options.version_epoch.empty() || options.version_epoch == version_->epoch;
  if (comparable && options.version <= version_->number) return true;
  *version_ = {options.version, options.version_epoch};
  return false;
}

void StreamChannel::make_patch(Publication& publication) {
  if (base_moved_) return;
  const PublicationPtr base = stream_->latest(context_.lane.now());
  // Who can be sent only one of the two has no use for the difference.
  if (base == nullptr || base->binary != publication.binary) return;
  if (context_.deltas.make(base->data.view(), publication.data.view(), context_.delta))
    publication.patch = SharedBytes(context_.delta);
}

StreamPosition StreamChannel::deliver(const std::shared_ptr<Publication>& publication,
                                      const PublishOptions& options) {
  StreamPosition position;
  if (this->options().keeps_stream()) {
    if (!options.skip_history) {
      const bool wanted = options.delta || this->options().delta_publish;
      if (wanted && members().delta_count() > 0) make_patch(*publication);
      position = stream_->append(context_.lane.now(), publication);
    }
    base_moved_ = options.skip_history;
  }
  fan_out(publication);
  return position;
}

std::shared_ptr<Publication> StreamChannel::made_of(PublishRequest& request, PublishOptions& options) {
  auto publication = std::make_shared<Publication>();
  publication->data = std::move(request.data);
  publication->info = publisher_info(*request.peer);
  publication->has_info = true;
  publication->binary = !request.checked_json;
  publication->tags = std::move(options.tags);
  return publication;
}

bool StreamChannel::refuse_positions(const ServerPublish& publish, PublishResponse& answer) {
  if (!publish.positioned) return false;
  answer.error = make_error(error_code::kBadRequest);
  answer.error.message =
      "the channel's positions are the broker's: only its provider publishes with positions";
  return true;
}

SubscribeResponse StreamChannel::opened(const SubscribeRequest& request, const SubscribeGrant& grant,
                                        Wanted& wanted) const {
  const SubscriberOptions own = subscriber_options(options(), grant.override_options);
  SubscribeResponse answer;
  answer.recoverable = is_recoverable(options(), own, request);
  answer.positioned = is_positioned(options(), own, request);
  answer.was_recovering = request.recover;
  answer.delta = takes_delta(options(), request);
  if (!options().keeps_history()) return answer;
  const bool cached = options().recovery_mode == RecoveryMode::kCache;
  wanted.missed = request.recover && answer.recoverable;
  wanted.latest = cached ? wanted.missed || options().auto_cache_recover || grant.cache_recover
                         : grant.cache_recover && !wanted.missed;
  wanted.position = answer.positioned || wanted.publications();
  return answer;
}

void StreamChannel::recover(const SubscribeRequest& request, Wanted wanted, SubscribeResponse& answer) {
  if (wanted.position) answer.position = stream_->top();
  if (!wanted.publications()) return;
  const MonoTime now = context_.lane.now();
  const StreamPosition since = request.recover ? request.since : StreamPosition{};
  Stream::Recovery recovery = wanted.latest ? stream_->recover_latest(now, since)
                                            : stream_->recover(now, since, options().recovery_bytes);
  answer.recovered = recovery.recovered;
  answer.publications = std::move(recovery.publications);
  if (!answer.recovered) return;
  // What the client continues from: where it was, or right before the latest.
  if (!wanted.latest)
    answer.position.offset = since.offset;
  else if (!answer.publications.empty())
    answer.position.offset = answer.publications.front()->offset - 1;
}

bool StreamChannel::is_of(const StreamPosition& top, const HistoryRequest& request, HistoryResponse& answer) {
  answer.position = top;
  const bool same = !request.has_since || request.since.epoch.empty() || request.since.epoch == top.epoch;
  if (!same) answer.error = make_error(error_code::kUnrecoverablePosition);
  return same;
}

HistoryResponse StreamChannel::read(const HistoryRequest& request) {
  HistoryResponse answer;
  if (!is_of(stream_->top(), request, answer) || request.limit == 0) return answer;
  const uint64_t* since = request.has_since ? &request.since.offset : nullptr;
  answer.publications =
      stream_->read(context_.lane.now(), since, request.reverse, history_limit(request.limit));
  return answer;
}

}  // namespace lcg::broker
