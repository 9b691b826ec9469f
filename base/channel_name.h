// How a user id stands in a channel's name: of the SDK, so that plugins name the same channel.
#pragma once
#include "plugins/sdk/include/lcg/channel_name.hpp"
