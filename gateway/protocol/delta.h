// Which publications of a delta subscription go out as their patch (client-protocol 2). Inside the codecs.
#pragma once
#include "broker/api/types.h"

namespace lcg::protocol {

// In a list of publications: `pub` has a patch, and its base is what the client has got just before.
inline bool patch_follows(const Publication* before, const Publication& pub) {
  return !pub.patch.empty() && before != nullptr && before->offset + 1 == pub.offset &&
         before->epoch == pub.epoch;
}

}  // namespace lcg::protocol
