// SPDX-License-Identifier: GPL-2.0-or-later
// The rules of the house, read off the sources: who may include whom, what the core must not know, licences.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

const fs::path kRoot = FAREWELL_ROOT;

/// Layer by layer, whom each may include besides itself. docs/ARCHITECTURE.md shows the same as a picture.
const std::map<std::string, Names> kMayUse{
    {"core", {}},
    {"netlink", {}},
    {"nfq", {"netlink"}},
    {"nflog", {"netlink"}},
    {"nft", {}},
    {"enforce", {"core", "nft"}},
    {"source", {"core", "nflog", "nfq"}},
    {"report", {"core"}},
    {"history", {"core", "report"}},
    {"page", {"core", "report"}},
    {"replay", {"core", "source"}},
    {"config", {"core", "nft", "report"}},
    {"host", {"core", "netlink", "report"}},
    {"conntrack", {"core", "netlink"}},
    {"service", {"report"}},
    {"daemon",
     {"config", "conntrack", "core", "enforce", "history", "host", "nflog", "nfq", "nft", "report", "service",
      "source"}},
    {"doctor", {"config", "core", "host", "netlink", "nft", "report"}},
    {"cli", {"config", "core", "doctor", "host", "nft", "page", "replay", "report"}},
};

/// What the core may include besides its own headers: the standard library of pure things, and Boost's
/// containers.
const Names kCoreMayInclude{
    "algorithm",
    "array",
    "bit",
    "bitset",
    "chrono",
    "cmath",
    "compare",
    "concepts",
    "cstddef",
    "cstdint",
    "cstdlib",
    "cstring",
    "new",
    "type_traits",
    "deque",
    "expected",
    "limits",
    "memory",
    "optional",
    "ranges",
    "set",
    "span",
    "string",
    "string_view",
    "tuple",
    "utility",
    "variant",
    "vector",
    "functional",
    "iterator",
    "numeric",
    "map",
    "sys/mman.h",  // zeroed_array.hpp asks for huge pages
    "boost/container/static_vector.hpp",
    "boost/unordered/unordered_flat_map.hpp",
    "boost/unordered/unordered_flat_set.hpp",
};

std::vector<fs::path> sources_under(const fs::path& folder) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder)) {
        const std::string extension = entry.path().extension().string();
        if (extension == ".hpp" || extension == ".cpp") {
            files.push_back(entry.path());
        }
    }
    std::ranges::sort(files);
    return files;
}

std::string text_of(const fs::path& file) {
    std::ifstream stream(file);
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
}

std::vector<std::string> includes_of(const fs::path& file) {
    static const std::regex kInclude(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"])");
    std::vector<std::string> includes;
    std::istringstream lines(text_of(file));
    std::string line;
    std::smatch match;
    while (std::getline(lines, line)) {
        if (std::regex_search(line, match, kInclude)) {
            includes.push_back(match[1]);
        }
    }
    return includes;
}

bool is_test(const fs::path& file) {
    return file.filename().string().find("_test.") != std::string::npos;
}

/// "nfq" for src/nfq/x.cpp and for <farewell/nfq/x.hpp>; empty for what is not ours.
std::string layer_of(const std::string& include) {
    const std::string path = include.starts_with("farewell/") ? include.substr(9) : include;
    const std::string first = path.substr(0, path.find('/'));
    return path.find('/') != std::string::npos && kMayUse.contains(first) ? first : "";
}

void check_layer(const std::string& layer, const std::vector<fs::path>& files) {
    for (const fs::path& file : files) {
        for (const std::string& include : includes_of(file)) {
            const std::string used = layer_of(include);
            if (!used.empty() && used != layer && !(is_test(file) && used == "core")) {
                EXPECT_TRUE(kMayUse.at(layer).contains(used))
                    << file << " includes " << include << ": " << layer << " may not use " << used;
            }
        }
    }
}

TEST(Layers, ArrowsPointDownwardsOnly) {
    for (const auto& [layer, may_use] : kMayUse) {
        const auto files = sources_under(fs::path("src") / layer);
        EXPECT_FALSE(files.empty()) << layer;
        check_layer(layer, files);
    }
    check_layer("nfq", sources_under("include/farewell/nfq"));
}

TEST(Layers, EveryFolderOfSrcIsALayer) {
    for (const auto& entry : fs::directory_iterator(kRoot / "src")) {
        EXPECT_TRUE(kMayUse.contains(entry.path().filename().string())) << entry.path();
    }
}

TEST(Layers, TheCoreIsPure) {
    for (const fs::path& file : sources_under("src/core")) {
        if (is_test(file)) {
            continue;
        }
        for (const std::string& include : includes_of(file)) {
            EXPECT_TRUE(include.starts_with("core/") || kCoreMayInclude.contains(include))
                << file << " includes " << include;
        }
        EXPECT_EQ(text_of(file).find("::now("), std::string::npos) << file << ": the core is told the time";
    }
}

TEST(Layers, ThePublicHeadersNeedNothingButTheStandardLibrary) {
    for (const fs::path& file : sources_under("include")) {
        for (const std::string& include : includes_of(file)) {
            EXPECT_TRUE(include.starts_with("farewell/") || include.find('/') == std::string::npos)
                << file << " includes " << include;
            EXPECT_FALSE(include.ends_with(".h")) << file << " includes " << include;
        }
    }
}

TEST(Licences, EverySourceNamesTheRightOne) {
    for (const char* folder : {"src", "include", "tests"}) {
        for (const fs::path& file : sources_under(folder)) {
            const std::string text = text_of(file);
            const std::string first = text.substr(0, text.find('\n'));
            const std::string path = fs::relative(file, kRoot).string();
            const bool library = path.starts_with("include/") || path.starts_with("src/nfq/") ||
                                 path.starts_with("src/nflog/") || path.starts_with("src/netlink/") ||
                                 path.ends_with("netlink_fuzz.cpp");
            EXPECT_EQ(first, library ? "// SPDX-License-Identifier: MIT"
                                     : "// SPDX-License-Identifier: GPL-2.0-or-later")
                << path;
        }
    }
}

TEST(Documents, NameTestsThatExist) {
    Names tests;
    static const std::regex kTest(R"(\bTEST(?:_F|_P)?\((\w+),\s*(\w+)\))");
    for (const fs::path& file : sources_under("src")) {
        const std::string text = text_of(file);
        for (std::sregex_iterator test(text.begin(), text.end(), kTest), end; test != end; ++test) {
            tests.insert((*test)[1].str() + "." + (*test)[2].str());
        }
    }
    static const std::regex kNamed(R"(`([A-Z]\w+\.[A-Z]\w+)`)");
    const std::string contract = text_of(kRoot / "docs/contract.md");
    std::size_t named = 0;
    for (std::sregex_iterator name(contract.begin(), contract.end(), kNamed), end; name != end; ++name) {
        ++named;
        EXPECT_TRUE(tests.contains((*name)[1])) << "docs/contract.md names " << (*name)[1];
    }
    EXPECT_GE(named, 13U) << "a promise each";
}

TEST(Sources, HoldOneIdeaEach) {
    constexpr std::ptrdiff_t kLinesMax = 500;
    for (const char* folder : {"src", "include"}) {
        for (const fs::path& file : sources_under(folder)) {
            EXPECT_LE(std::ranges::count(text_of(file), '\n'), kLinesMax) << file;
        }
    }
}

}  // namespace
