// Asio and Beast, compiled once for the whole tree: users see declarations only (see lcg_asio in
// cmake/libraries.cmake).
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
