# Every third-party library, found once. All from Debian 12.
set(Boost_USE_STATIC_LIBS OFF)
find_package(Boost 1.81 REQUIRED COMPONENTS json url)
find_package(OpenSSL 3 REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(spdlog REQUIRED)
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)
# Debian's cjose.pc requires jansson's development package although no header of cjose needs it.
find_path(CJOSE_INCLUDE cjose/cjose.h REQUIRED)
find_library(CJOSE_LIBRARY cjose REQUIRED)
add_library(PkgConfig::CJOSE INTERFACE IMPORTED)
target_include_directories(PkgConfig::CJOSE INTERFACE ${CJOSE_INCLUDE})
target_link_libraries(PkgConfig::CJOSE INTERFACE ${CJOSE_LIBRARY} OpenSSL::Crypto)
pkg_check_modules(ICU REQUIRED IMPORTED_TARGET icu-uc icu-i18n)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(ROCKSDB REQUIRED IMPORTED_TARGET rocksdb)

# Asio and Beast compiled once (their src.hpp lives in base/boost_asio.cc).
add_library(lcg_asio INTERFACE)
target_compile_definitions(lcg_asio INTERFACE BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_VISIBILITY)
target_link_libraries(lcg_asio INTERFACE Boost::headers OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
