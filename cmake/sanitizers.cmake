# Sanitizers and hardening for the whole build, so that no target is left out.
if(LCG_SANITIZE)
  add_compile_options(-fsanitize=${LCG_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${LCG_SANITIZE})
  # GCC 12's flow-dependent warnings see through instrumented code wrongly; the plain presets keep them.
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds$<SEMICOLON>-Wno-stringop-overflow$<SEMICOLON>-Wno-stringop-overread$<SEMICOLON>-Wno-restrict$<SEMICOLON>-Wno-maybe-uninitialized>)
  if(LCG_SANITIZE MATCHES "thread")
    # Fences are unknown to the thread sanitizer; Asio's handlers are ordered by its mutex anyway.
    add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK)
  endif()
else()
  add_compile_options($<$<CONFIG:Release,RelWithDebInfo>:-D_FORTIFY_SOURCE=2> -fstack-protector-strong -fcf-protection)
  add_link_options(-Wl,-z,relro,-z,now)
endif()

if(LCG_FUZZ)
  # Coverage in the libraries too, or a fuzzer sees only its own file.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
