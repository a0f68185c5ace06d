# The house rules of the build: one static library per folder of src/, each naming what it may see.

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(drydock_flags INTERFACE)
target_include_directories(drydock_flags INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
# initial-exec: a thread_local is read afresh after a fiber moved to another thread (docs/decisions).
target_compile_options(drydock_flags INTERFACE
  -ftls-model=initial-exec -fno-strict-aliasing
  $<$<CONFIG:RelWithDebInfo>:-O2>)
target_compile_definitions(drydock_flags INTERFACE DRYDOCK_HOST=1 DRYDOCK_VERSION="${PROJECT_VERSION}")
if(DRYDOCK_STRICT)
  target_compile_options(drydock_flags INTERFACE -Wall -Wextra -Wconversion -Wshadow -Werror)
else()
  target_compile_options(drydock_flags INTERFACE -Wall -Wextra)
endif()
if(DRYDOCK_SANITIZE)
  target_compile_options(drydock_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined)
  target_link_options(drydock_flags INTERFACE -fsanitize=address,undefined)
endif()

# What users run is optimised as a whole at link time: a request passes through a hundred small functions of many folders,
# and calls are a tenth of its instructions. The objects carry both forms, so that tests link as fast as ever; they take twice
# as long to compile, which is why this is an option (-DDRYDOCK_LTO=ON) and not what `make build` does.
if(DRYDOCK_LTO)
  target_compile_options(drydock_flags INTERFACE -flto=auto -ffat-lto-objects -finline-functions
    --param=max-inline-insns-auto=120 --param=max-inline-insns-single=300 --param=inline-unit-growth=200 --param=large-function-growth=400)
  target_link_options(drydock_flags INTERFACE $<IF:$<BOOL:$<TARGET_PROPERTY:DRYDOCK_WHOLE>>,-flto=auto,-fno-lto>)
endif()

# Marks programs and modules that are to be optimised as a whole.
function(drydock_whole_program)
  set_target_properties(${ARGN} PROPERTIES DRYDOCK_WHOLE ON)
endfunction()

if(DRYDOCK_FUZZ)  # tests/fuzz
  target_compile_options(drydock_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# drydock_library(name SEES a b LIBS fmt::fmt): every .cpp and .S of the folder (tests apart) is one static library that
# sees the libraries a and b; every *_test.cpp of the folder goes into one test program `name_test`.
function(drydock_library name)
  cmake_parse_arguments(A "" "" "SEES;LIBS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp ${CMAKE_CURRENT_SOURCE_DIR}/*.S)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  if(sources)
    add_library(drydock_${name} STATIC ${sources})
    set(scope PUBLIC)
  else()
    add_library(drydock_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  list(TRANSFORM A_SEES PREPEND drydock_)
  target_link_libraries(drydock_${name} ${scope} drydock_flags ${A_SEES} ${A_LIBS})
  if(tests AND DRYDOCK_TESTS)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE drydock_${name} GTest::gtest_main GTest::gmock)
    drydock_test(${name}_test)
  endif()
endfunction()

# Registers a GoogleTest program with ctest, as one test (its cases are cheap, a process each would not be).
function(drydock_test target)
  add_test(NAME ${target} COMMAND ${target})
  set_tests_properties(${target} PROPERTIES TIMEOUT 300 LABELS unit
    ENVIRONMENT "ASAN_OPTIONS=allow_user_segv_handler=1:detect_stack_use_after_return=0:detect_leaks=0")
endfunction()
