// Gives lcg_asio_pch something to compile; the precompiled header is what the target is for.
#include "base/asio_pch.h"
