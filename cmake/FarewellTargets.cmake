# SPDX-License-Identifier: GPL-2.0-or-later
# What every target of ours has in common: warnings, sanitizers, include folders.

add_library(farewell_options INTERFACE)
target_compile_options(farewell_options INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align -Wnull-dereference)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports libstdc++'s and Boost's own inlined code under sanitizers and -O2.
  target_compile_options(farewell_options INTERFACE -Wno-null-dereference -Wno-maybe-uninitialized)
endif()
if(FAREWELL_FUZZERS)
  target_compile_options(farewell_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(FAREWELL_SANITIZERS)
  target_compile_options(farewell_options INTERFACE
    -fsanitize=${FAREWELL_SANITIZERS} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(farewell_options INTERFACE -fsanitize=${FAREWELL_SANITIZERS})
  if(FAREWELL_SANITIZERS STREQUAL "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(farewell_options INTERFACE -Wno-tsan)  # Boost.Asio uses fences, which g++'s TSan cannot see
  endif()
endif()
target_include_directories(farewell_options INTERFACE
  ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)

# farewell_library(NAME sources…): a static library of one layer.
function(farewell_library name)
  add_library(${name} STATIC ${ARGN})
  target_link_libraries(${name} PUBLIC farewell_options)
endfunction()

# farewell_test(NAME SOURCES … LIBRARIES … [LABEL kernel]): one GoogleTest binary, every case a ctest test.
# Cases labelled kernel need root; they skip themselves without it.
function(farewell_test name)
  if(NOT FAREWELL_TESTS)
    return()
  endif()
  cmake_parse_arguments(arg "" "LABEL;TIMEOUT" "SOURCES;LIBRARIES" ${ARGN})
  if(NOT arg_LABEL)
    set(arg_LABEL unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES} farewell_options GTest::gmock GTest::gtest_main)
  gtest_discover_tests(${name} TEST_PREFIX ${arg_LABEL}. DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
                       PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT})
endfunction()

# farewell_fuzzer(NAME SOURCES … LIBRARIES … CORPUS dir): one libFuzzer target.
function(farewell_fuzzer name)
  if(NOT FAREWELL_FUZZERS)
    return()
  endif()
  cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  if(NOT TARGET fuzzers)
    add_custom_target(fuzzers)
  endif()
  add_dependencies(fuzzers ${name})
  target_compile_options(${name} PRIVATE -fsanitize=fuzzer)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES} farewell_options)
endfunction()
