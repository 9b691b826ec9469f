#include "broker/channel/provided_channel.h"

#include <algorithm>

#include "broker/channel/stream.h"
#include "broker/error_table.h"
#include "broker/plugin_json.h"
#include "lcg/services/channel_provider.hpp"

namespace lcg::broker {
namespace {

channel::Peer wire_peer(const Peer& peer) {
  return {peer.session, peer.user, peer.device, peer.device_epoch, peer.ephemeral_device};
}

std::vector<PublicationPtr> publications_of(channel::StreamPage& page) {
  std::vector<PublicationPtr> out;
  out.reserve(page.publications.size());
  for (channel::StreamPublication& from : page.publications) {
    auto to = std::make_shared<Publication>();
    to->offset = from.offset;
    to->epoch = page.epoch;
    // What is no JSON shows as null: leaving it out would be a gap.
    to->data = one_json_line(SharedBytes(from.data)).value_or(SharedBytes("null"));
    to->has_info = !from.user_id.empty() || !from.session_id.empty();
    to->info.user = std::move(from.user_id);
    to->info.client = std::move(from.session_id);
    out.push_back(std::move(to));
  }
  return out;
}

// Dense, ascending, right after `since` and up to the head: what the client protocol calls recovered. Within `bytes`, but for
// the last.
bool complete(const channel::StreamPage& page, uint64_t since, size_t bytes) {
  if (since > page.head) return false;
  uint64_t expected = since + 1;
  for (const channel::StreamPublication& publication : page.publications) {
    if (publication.offset != expected++ || bytes == 0) return false;
    bytes -= std::min(bytes, publication.data.size());
  }
  return expected - 1 == page.head;
}

template <class Response>
Response refusal(const ServiceCallResponse& answer) {
  Response out;
  static_cast<Outcome&>(out) = outcome_of_call(answer, error_code::kUnknownChannel);
  return out;
}

}  // namespace

ProvidedChannel::ProvidedChannel(ChannelContext& context, std::string name, const ChannelOptions& options)
    : Channel(context, std::move(name), options) {}

void ProvidedChannel::call(std::string method, std::string data, Millis timeout, host::CallFn done) {
  ServiceCall request;
  request.service = "channel:" + options().provider;
  request.method = std::move(method);
  request.key = key_of_channel(name(), true);
  request.data = std::move(data);
  request.caller = "host";
  context_.host.call(std::move(request), timeout, std::move(done));
}

void ProvidedChannel::attach(const SubscribeRequest& request, const SubscribeGrant&, Millis time_left,
                             SubscribeFn done) {
  channel::SubscribeRequest query;
  query.channel = name();
  query.peer = wire_peer(*request.peer);
  query.recover = request.recover && request.since.offset != UINT64_MAX;  // as in history()
  query.offset = request.since.offset;
  query.epoch = request.since.epoch;
  query.limit = kProvidedRecovery;
  call("subscribe", channel::encode(query), std::min(time_left, kCallTimeout),
       [&request, bytes = options().recovery_bytes,
        done = std::move(done)](ServiceCallResponse reply) mutable {
         if (reply.status != LCG_OK) return done(refusal<SubscribeResponse>(reply));
         channel::StreamPage page;
         if (!channel::decode(reply.data, page))
           return done(refusal<SubscribeResponse>({LCG_E_INTERNAL, 0, "malformed answer", {}}));

         SubscribeResponse answer;
         answer.recoverable = answer.positioned = true;
         answer.was_recovering = request.recover;
         const bool same_epoch = request.since.epoch.empty() || request.since.epoch == page.epoch;
         answer.position = {page.head, page.epoch};
         if (request.recover && page.recovered && same_epoch && complete(page, request.since.offset, bytes)) {
           answer.recovered = true;
           answer.position.offset = request.since.offset;
           answer.publications = publications_of(page);
         }
         done(std::move(answer));
       });
}

void ProvidedChannel::publish(PublishRequest request, PublishOptions, PublishFn done) {
  channel::PublishRequest query{name(), wire_peer(*request.peer), std::string(request.data.view())};
  call("publish", channel::encode(query), kCallTimeout,
       [done = std::move(done)](ServiceCallResponse reply) mutable {
         done(reply.status == LCG_OK ? PublishResponse{} : refusal<PublishResponse>(reply));
       });
}

void ProvidedChannel::history(HistoryRequest request, HistoryFn done) {
  // A gateway that compares positions: what was fanned out is all there is to compare with.
  if (request.peer == nullptr && request.limit == 0 && !last_.epoch.empty()) {
    HistoryResponse known;
    known.position = last_;
    return done(std::move(known));
  }
  channel::HistoryRequest query;
  query.channel = name();
  if (request.peer != nullptr) query.peer = wire_peer(*request.peer);
  query.has_since = request.has_since;
  query.reverse = request.reverse;
  query.since = request.since.offset;
  query.epoch = request.since.epoch;
  // Nothing is after the last number there is, and no provider has to know that it has no next one.
  const bool nothing_follows = request.has_since && !request.reverse && request.since.offset == UINT64_MAX;
  const bool position_only = request.limit == 0 || nothing_follows;
  query.limit = position_only ? 0 : static_cast<int32_t>(history_limit(request.limit));
  std::string epoch = request.has_since ? request.since.epoch : std::string();
  call("history", channel::encode(query), kCallTimeout,
       [epoch = std::move(epoch), done = std::move(done)](ServiceCallResponse reply) mutable {
         if (reply.status != LCG_OK) return done(refusal<HistoryResponse>(reply));
         channel::StreamPage page;
         if (!channel::decode(reply.data, page))
           return done(refusal<HistoryResponse>({LCG_E_INTERNAL, 0, "malformed answer", {}}));
         HistoryResponse answer;
         answer.position = {page.head, page.epoch};
         if (!epoch.empty() && epoch != page.epoch)
           answer.error = make_error(error_code::kUnrecoverablePosition);
         else
           answer.publications = publications_of(page);
         done(std::move(answer));
       });
}

void ProvidedChannel::server_publish(ServerPublish publish, PublishFn done) {
  PublishResponse answer;
  Publication& publication = publish.publication;
  if (!publish.positioned && publish.options.skip_history) {  // passes by: in no log, at no position
    fan_out(std::make_shared<const Publication>(std::move(publication)));
    return done(std::move(answer));
  }
  if (!publish.positioned || publication.offset == 0 || publication.epoch.empty()) {
    answer.error = make_error(error_code::kBadRequest);
    answer.error.message = "the channel's provider publishes with its own offset and epoch";
    return done(std::move(answer));
  }
  answer.position = {publication.offset, publication.epoch};
  // A repeat, or one that comes after its successor: subscribers are past it.
  if (publication.epoch == last_.epoch && publication.offset <= last_.offset) return done(std::move(answer));
  last_ = answer.position;
  fan_out(std::make_shared<const Publication>(std::move(publication)));
  done(std::move(answer));
}

void ProvidedChannel::remove_history(HistoryRemoveFn done) {
  HistoryRemoveResponse answer;
  answer.error = make_error(error_code::kNotAvailable);
  done(std::move(answer));
}

std::optional<MonoTime> ProvidedChannel::maintain(MonoTime) {
  if (members().empty()) return std::nullopt;
  return kNever;
}

}  // namespace lcg::broker
