# SPDX-License-Identifier: MIT
# The public libraries and how they are installed: headers, libraries, a CMake package, pkg-config files. Everything
# is found relative to where it lies, so that an installed copy can be moved.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(farewell_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/farewell)

set(farewell_written ${PROJECT_BINARY_DIR}/generated/include)

# farewell_public_library(NAME SOURCES … HEADERS …): farewell::NAME, static, or shared with
# BUILD_SHARED_LIBS; installed as libfarewell-NAME.
function(farewell_public_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;HEADERS" ${ARGN})
  set(target farewell_${name})
  string(REPLACE _ - file_name farewell-${name})
  add_library(${target} ${arg_SOURCES})
  add_library(farewell::${name} ALIAS ${target})
  target_compile_features(${target} PUBLIC cxx_std_23)
  foreach(header IN LISTS arg_HEADERS)
    if(NOT EXISTS ${PROJECT_SOURCE_DIR}/include/farewell/${header}) # written from a template
      configure_file(${PROJECT_SOURCE_DIR}/include/farewell/${header}.in ${farewell_written}/farewell/${header} @ONLY)
      list(APPEND headers ${farewell_written}/farewell/${header})
    else()
      list(APPEND headers ${PROJECT_SOURCE_DIR}/include/farewell/${header})
    endif()
  endforeach()
  target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/include ${farewell_written}
                 FILES ${headers})
  # Warnings and sanitizers are ours: for all of our own build, and for nobody who builds us as a part of his.
  if(PROJECT_IS_TOP_LEVEL)
    target_link_libraries(${target} PUBLIC $<BUILD_INTERFACE:farewell_options>)
  else()
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:farewell_options>)
  endif()
  # An archive of link time code fits one version of one compiler only.
  set_target_properties(${target} PROPERTIES
    INTERPROCEDURAL_OPTIMIZATION OFF
    EXPORT_NAME ${name} OUTPUT_NAME ${file_name} INSTALL_RPATH $ORIGIN
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
    LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/exported.map)
  target_link_options(${target} PRIVATE
    $<$<BOOL:${BUILD_SHARED_LIBS}>:LINKER:--version-script=${PROJECT_SOURCE_DIR}/cmake/exported.map>)
  install(TARGETS ${target} EXPORT farewellTargets FILE_SET HEADERS)
endfunction()

# farewell_pkg_config(NAME DESCRIPTION libraries…): farewell-NAME.pc
function(farewell_pkg_config name description)
  list(TRANSFORM ARGN PREPEND -lfarewell- OUTPUT_VARIABLE libraries)
  list(JOIN libraries " " libraries)
  file(RELATIVE_PATH prefix_from_here /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
  string(REGEX REPLACE "/$" "" prefix_from_here ${prefix_from_here})
  configure_file(${PROJECT_SOURCE_DIR}/cmake/farewell.pc.in ${PROJECT_BINARY_DIR}/farewell-${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/farewell-${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

# The package around the targets; once, after all of them.
function(farewell_install_package)
  install(EXPORT farewellTargets NAMESPACE farewell:: DESTINATION ${farewell_package_dir})
  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/farewellConfig.cmake.in
    ${PROJECT_BINARY_DIR}/farewellConfig.cmake INSTALL_DESTINATION ${farewell_package_dir})
  # As docs/versioning.md says: while it is 0.x, a minor version may break what was built with the one before.
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/farewellConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/farewellConfig.cmake ${PROJECT_BINARY_DIR}/farewellConfigVersion.cmake
          DESTINATION ${farewell_package_dir})
  farewell_pkg_config(nfq "Packet queues of nftables (NFQUEUE)" nfq netlink)
  farewell_pkg_config(nflog "Log groups of nftables (NFLOG)" nflog netlink)
  farewell_pkg_config(nfq-testing "A fake kernel for tests of programs on packet queues" nfq-testing nfq netlink)
endfunction()

# farewell_man_pages(files…): NAME.SECTION.md becomes the manual page NAME(SECTION); left out without lowdown.
function(farewell_man_pages)
  find_program(LOWDOWN lowdown)
  if(NOT LOWDOWN)
    message(STATUS "No manual pages: lowdown is not installed")
    return()
  endif()
  foreach(source IN LISTS ARGN)
    string(REGEX MATCH "([^/]+)\\.([0-9])\\.md$" unused ${source})
    set(section ${CMAKE_MATCH_2})
    set(page ${PROJECT_BINARY_DIR}/man/${CMAKE_MATCH_1}.${section})
    add_custom_command(OUTPUT ${page}
      COMMAND ${PROJECT_SOURCE_DIR}/scripts/man-page ${PROJECT_SOURCE_DIR}/${source} ${page} ${PROJECT_VERSION}
      DEPENDS ${source} ${PROJECT_SOURCE_DIR}/scripts/man-page VERBATIM)
    list(APPEND pages ${page})
    install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
  endforeach()
  add_custom_target(man ALL DEPENDS ${pages})
endfunction()
