// SPDX-License-Identifier: Apache-2.0
// profile_record: where a user's profile is stored. Lane: the instance's.
#pragma once
#include <string>
#include <string_view>

#include "lcg/services/storage.hpp"
#include "lcg/services/user.hpp"

namespace lcg::user {

inline const std::string kProfileCollection = "user_profile";  // partition: user
inline const std::string kProfileKey = "profile";

// What may be the id of a user in a store from before: the rule of ids was wider once.
inline bool is_old_user_id(std::string_view user) {
  return !user.empty() && user.size() <= kMaxUserBytes && user.find('\0') == std::string_view::npos;
}

// A user without one has a profile of the user's id alone.
Task<Outcome<Profile>> read_profile(storage::Client storage, std::string user);

// What is shown besides the id.
inline std::string own_name(const Profile& profile) {
  return profile.name == profile.user ? std::string() : profile.name;
}

}  // namespace lcg::user
