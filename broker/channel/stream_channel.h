// StreamChannel: what the kinds of channels share that keep publications in a Stream and give them their positions
// themselves: versions, deltas, recovery, history.
//
// Deltas: a publication is made a patch of from the one before it, once, if the publisher or the namespace wants
// that and a subscriber takes it. A publication without a position becomes the base of who gets it, so the one
// after it is sent whole.
#pragma once
#include <memory>
#include <string>

#include "broker/channel/channel.h"
#include "broker/channel/stream.h"

namespace lcg::broker {

class StreamChannel : public Channel {
 public:
  StreamPosition position() const override { return stream_ == nullptr ? StreamPosition{} : stream_->top(); }

 protected:
  using Channel::Channel;

  struct Version {
    uint64_t number = 0;
    std::string epoch;
  };
  // Of a publisher: not newer than what is there, and dropped. Else it is the newest from now on.
  bool is_stale(const PublishOptions& options);
  // Keeps `publication` (not with skip_history) and sends it to the subscribers. REQUIRES: the stream, where one is kept.
  StreamPosition deliver(const std::shared_ptr<Publication>& publication, const PublishOptions& options);
  std::shared_ptr<Publication> made_of(PublishRequest& request, PublishOptions& options);
  // Of a back end that gave positions of its own, which nobody but a provider has.
  static bool refuse_positions(const ServerPublish& publish, PublishResponse& answer);

  // What a subscription needs of the stream.
  struct Wanted {
    bool position = false, missed = false, latest = false;
    bool publications() const { return missed || latest; }
  };
  SubscribeResponse opened(const SubscribeRequest& request, const SubscribeGrant& grant,
                           Wanted& wanted) const;
  // REQUIRES: the stream.
  void recover(const SubscribeRequest& request, Wanted wanted, SubscribeResponse& answer);
  // False, with an error: the position asked for is of another epoch.
  static bool is_of(const StreamPosition& top, const HistoryRequest& request, HistoryResponse& answer);
  HistoryResponse read(const HistoryRequest& request);

  std::unique_ptr<Stream> stream_;
  std::unique_ptr<Version> version_;  // of the newest publication that had one; lives as the stream does

 private:
  void make_patch(Publication& publication);

  bool base_moved_ = false;  // a publication without a position was sent after the newest in the stream
};

}  // namespace lcg::broker
