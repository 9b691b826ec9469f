# add_lcg_plugin(name SOURCES file... [LIBS target...] [CHECK_CONFIG file.yaml] [CHECK_NO_RUN])
#
# Builds the plugin name.so (target `name`): a module that exports lcg_plugin_descriptor and nothing else, has no
# undefined symbol, and sees the SDK headers and its LIBS only. With LCG_PLUGIN_OUTPUT_DIR set the file goes there.
# When lcg-plugin-check is known (this tree, or an installed SDK) a test `plugin_check_<name>` runs it:
#   CHECK_CONFIG  the settings it starts the plugin with     CHECK_NO_RUN  read the file only, do not start it
#
# Also defines `name_static`, built only when something links it: the same sources for a unit test, with the
# descriptor function renamed to lcg_plugin_descriptor_<name> so that several plugins fit into one binary.
#
# This file is used by the tree itself and, unchanged, by find_package(lcg).
set(LCG_PLUGIN_MAP ${CMAKE_CURRENT_LIST_DIR}/lcg_plugin.map)

# What a plugin needs whichever way it is linked.
function(_lcg_plugin_common target)
  target_link_libraries(${target} PRIVATE ${ARGN})
  if(TARGET lcg_sdk)
    target_link_libraries(${target} PRIVATE lcg_sdk)
  else()
    target_link_libraries(${target} PRIVATE lcg::lcg_sdk)
  endif()
  if(TARGET lcg_warnings)
    target_link_libraries(${target} PRIVATE lcg_warnings)
  else()
    target_compile_options(${target} PRIVATE -Wall -Wextra)
  endif()
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fno-gnu-unique>)
  set_target_properties(${target} PROPERTIES
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    POSITION_INDEPENDENT_CODE ON C_STANDARD 11 CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
endfunction()

function(add_lcg_plugin name)
  cmake_parse_arguments(A "CHECK_NO_RUN" "CHECK_CONFIG" "SOURCES;LIBS" ${ARGN})
  if(A_UNPARSED_ARGUMENTS OR NOT A_SOURCES)
    message(FATAL_ERROR "add_lcg_plugin(${name}): give SOURCES file...; unexpected: '${A_UNPARSED_ARGUMENTS}'")
  endif()
  if(NOT name MATCHES "^[a-z][a-z0-9_]*$")
    message(FATAL_ERROR "add_lcg_plugin(${name}): a plugin's name is [a-z][a-z0-9_]*")
  endif()

  add_library(${name} MODULE ${A_SOURCES})
  _lcg_plugin_common(${name} ${A_LIBS})
  # clang leaves its sanitizer runtime out of shared objects, so nothing could be complete there.
  set(complete -Wl,-z,defs)
  if(LCG_SANITIZE AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    set(complete)
  endif()
  target_link_options(${name} PRIVATE ${complete} -Wl,-z,now -Wl,-z,relro -Wl,--version-script=${LCG_PLUGIN_MAP})
  set_target_properties(${name} PROPERTIES PREFIX "" OUTPUT_NAME ${name} LINK_DEPENDS ${LCG_PLUGIN_MAP})
  if(LCG_PLUGIN_OUTPUT_DIR)
    set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${LCG_PLUGIN_OUTPUT_DIR})
  endif()

  add_library(${name}_static STATIC EXCLUDE_FROM_ALL ${A_SOURCES})
  _lcg_plugin_common(${name}_static ${A_LIBS})
  target_compile_definitions(${name}_static PRIVATE lcg_plugin_descriptor=lcg_plugin_descriptor_${name})

  foreach(tool lcg-plugin-check lcg::lcg-plugin-check)
    if(TARGET ${tool})
      set(arguments)
      if(A_CHECK_NO_RUN)
        list(APPEND arguments --no-run)
      endif()
      if(A_CHECK_CONFIG)
        get_filename_component(config ${A_CHECK_CONFIG} ABSOLUTE)
        list(APPEND arguments --config ${config})
      endif()
      add_test(NAME plugin_check_${name} COMMAND ${tool} ${arguments} $<TARGET_FILE:${name}>)
      set_tests_properties(plugin_check_${name} PROPERTIES TIMEOUT 60)
      break()
    endif()
  endforeach()
endfunction()
