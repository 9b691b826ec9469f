// Publishing, by clients and by the server. Source: client-protocol 1.9, 2, 3 publish, 4.
#include "base/log.h"
#include "broker/channel/access.h"
#include "broker/channel/ingress.h"
#include "broker/command/channel_commands.h"
#include "broker/error_table.h"
#include "broker/plugin_options.h"

namespace lcg::broker {
namespace {

PublishResponse refusal(uint32_t code, std::string_view why) {
  PublishResponse out = failed<PublishResponse>(code);
  if (!why.empty()) out.error.message = why;
  return out;
}

}  // namespace

bool ChannelCommands::was_published(const std::string& channel, const std::string& key, PublishFn& done) {
  if (key.empty()) return false;
  if (const StreamPosition* known = idempotency_.find(context_.lane.now(), channel, key)) {
    PublishResponse answer;
    answer.position = *known;
    done(std::move(answer));
    return true;
  }
  done = [this, channel, key, done = std::move(done)](PublishResponse answer) mutable {
    if (answer.ok()) idempotency_.remember(context_.lane.now(), channel, key, answer.position);
    done(std::move(answer));
  };
  return false;
}

void ChannelCommands::publish(PublishRequest request, PublishFn done) {
  const Found found = find(request.channel);
  if (found.error != 0) return done(failed<PublishResponse>(found.error));
  const ChannelOptions& options = *found.options;
  const size_t most = context_.config.publication_bytes;
  if (!options.provided() && request.data.size() > most) {
    return done(refusal(error_code::kBadRequest, "the data is over " + std::to_string(most) +
                                                     " bytes (gateway.websocket.message_size)"));
  }
  bool binary = false;
  std::string_view why;
  if (const uint32_t code = admit_data(options, request.checked_json, request.data, binary, why))
    return done(refusal(code, why));
  request.checked_json = !binary;
  // A provided channel is its provider's to guard.
  const bool allowed = options.provided() || may(options.publish, found, request.channel, *request.peer);
  const bool asks = !options.publish_route.empty() || context_.host.wants(LCG_REQ_PUBLISH);
  if (!options.provided() && asks)
    return ask_to_publish(std::move(request), options, allowed, std::move(done));
  if (!allowed) return done(failed<PublishResponse>(error_code::kPermissionDenied));
  send(std::move(request), {}, options, std::move(done));
}

// A plugin's grant lets a publication in. If none grants or refuses, the namespace's own permission decides, but where it
// names a back end. Data and options, if a plugin gave some, take the place of the client's either way.
void ChannelCommands::ask_to_publish(PublishRequest request, const ChannelOptions& options, bool allowed,
                                     PublishFn done) {
  host::ChainRequest question;
  question.kind = LCG_REQ_PUBLISH;
  question.peer = request.peer;
  question.name = request.channel;
  question.data = request.data;
  question.route = options.publish_route;
  auto answer = [this, &options, allowed, request = std::move(request),
                 done = std::move(done)](host::ChainResult result) mutable {
    if (result.status == LCG_DEFER && (!allowed || !options.publish_route.empty()))
      return done(failed<PublishResponse>(error_code::kPermissionDenied));
    if (result.status == LCG_DEFER) result.status = LCG_OK;
    Outcome refused = outcome_of_chain(result, error_code::kUnknownChannel);
    if (!refused.ok()) return done(failed<PublishResponse>(std::move(refused)));
    std::optional<PublishOptions> publish = read_publish_options(result.options.view());
    std::string_view why = publish ? "" : "its options are not what docs/plugins.md says";
    bool binary = !request.checked_json;
    uint32_t code = publish ? admit_options(*publish, why) : error_code::kInternal;
    if (code == 0 && !result.data.empty()) {
      request.data = std::move(result.data);
      code = admit_data(options, false, request.data, binary, why);
    }
    if (code != 0) {
      log::error("a plugin's answer to a publication is of no use",
                 {{"channel", request.channel}, {"why", why}});
      return done(failed<PublishResponse>(error_code::kInternal));
    }
    request.checked_json = !binary;
    send(std::move(request), std::move(*publish), options, std::move(done));
  };
  context_.host.run_chain(std::move(question), context_.config.chain_timeout, std::move(answer));
}

void ChannelCommands::send(PublishRequest request, PublishOptions publish, const ChannelOptions& options,
                           PublishFn done) {
  if (was_published(request.channel, publish.idempotency_key, done)) return;
  // Nobody listens and nothing is kept: done already.
  if (!options.provided() && !options.keeps_stream() && table_.find(request.channel) == nullptr)
    return done({});
  const auto [channel, refused] = table_.obtain(request.channel, options, request.peer.get());
  if (channel == nullptr) return done(failed<PublishResponse>({refused, {}}));
  channel->publish(std::move(request), std::move(publish), std::move(done));
  table_.release(*channel);
}

void ChannelCommands::server_publish(ServerPublish publish, PublishFn done) {
  const Found found = find(publish.channel);
  if (found.error != 0) return done(failed<PublishResponse>(found.error));
  const bool bytes = publish.publication.binary;
  std::string_view why;
  uint32_t code =
      admit_data(*found.options, false, publish.publication.data, publish.publication.binary, why);
  if (code == 0 && publish.publication.binary && !bytes) {
    code = error_code::kBadRequest;
    why = "a publication's data must be one JSON value";
  }
  if (code == 0) code = admit_options(publish.options, why);
  if (code != 0) return done(refusal(code, why));
  send_as_server(std::move(publish), found, std::move(done));
}

void ChannelCommands::send_as_server(ServerPublish publish, const Found& found, PublishFn done) {
  const ChannelOptions& options = *found.options;
  // A provider's positions say what is a repeat.
  if (!options.provided() && was_published(publish.channel, publish.options.idempotency_key, done)) return;
  std::shared_ptr<Channel> channel = found.channel;
  if (channel == nullptr && !options.provided() && options.keeps_stream()) {
    ChannelTable::Obtained obtained = table_.obtain(publish.channel, options, nullptr);
    if (obtained.channel == nullptr) return done(failed<PublishResponse>({std::move(obtained.error), {}}));
    channel = std::move(obtained.channel);
  }
  if (channel == nullptr) {
    // Nobody listens here. The rules hold all the same, or a provider's mistake would show only at the first
    // listener.
    const bool passing = !publish.positioned && publish.options.skip_history;
    if (publish.positioned != options.provided() && !passing)
      return done(failed<PublishResponse>(error_code::kBadRequest));
    PublishResponse answer;
    answer.position = {publish.publication.offset, publish.publication.epoch};
    return done(std::move(answer));
  }
  channel->server_publish(std::move(publish), std::move(done));
  table_.release(*channel);
}

}  // namespace lcg::broker
