// SPDX-License-Identifier: Apache-2.0
// Provider: the service "channel:dialog". A stock client's subscribe, publish, history and recovery on
// "dialog:<id>" work on the durable log: offset = position, epoch = the dialog's, fixed when it was created.
// Lane: the instance's.
#pragma once
#include <string>

#include "directory.h"
#include "lcg/services/channel_provider.hpp"
#include "lcg/services/message.hpp"
#include "pull_budget.h"
#include "reader.h"

namespace lcg::dialog {

class Provider {
 public:
  Provider(Host host, Directory& directory, Reader& reader, PullBudget& budget)
      : directory_(directory), reader_(reader), budget_(budget), messages_(host) {}

  Task<Reply> subscribe(std::string dialog, channel::SubscribeRequest request);
  // Is a message of type "text" whose number the dialog gives.
  Task<Reply> publish(std::string dialog, channel::PublishRequest request);
  Task<Reply> history(std::string dialog, channel::HistoryRequest request);

 private:
  // What came after `since`, up to the head at the moment it returns. False: not all of it can be given.
  Task<bool> recover(DialogPtr dialog, const Member* member, uint64_t since, uint32_t limit,
                     channel::StreamPage* page);

  Directory& directory_;
  Reader& reader_;
  PullBudget& budget_;
  message::Client messages_;
};

}  // namespace lcg::dialog
