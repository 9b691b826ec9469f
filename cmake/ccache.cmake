# ccache when present; the sloppiness lets it cache users of precompiled headers.
find_program(LCG_CCACHE ccache)
if(LCG_CCACHE)
  set(launcher ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime CCACHE_MAXSIZE=6G
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${LCG_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()
find_program(LCG_MOLD mold)
if(LCG_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
