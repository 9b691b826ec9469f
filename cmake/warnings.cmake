# One interface target carries the warnings; every target of ours links it. -Werror comes from the presets.
option(LCG_WERROR "Warnings are errors" OFF)
add_library(lcg_warnings INTERFACE)
target_compile_options(lcg_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wimplicit-fallthrough
  $<$<COMPILE_LANGUAGE:CXX>:-Wold-style-cast -Wnon-virtual-dtor -Woverloaded-virtual>
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>
  $<$<BOOL:${LCG_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT LCG_FOR_CLANG) # which does not know the options
  # GCC 12 at -O2 warns of "a" + std::string (GCC bug 105651).
  target_compile_options(lcg_warnings INTERFACE -Wno-restrict)
  if(NOT LCG_SANITIZE) # and at -O3 of moved std::variants (GCC bug 105562)
    target_compile_options(lcg_warnings INTERFACE $<$<CONFIG:Release,RelWithDebInfo>:-Wno-maybe-uninitialized>)
  endif()
endif()
