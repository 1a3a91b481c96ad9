"""Made-up threads in the markup of many forum engines: title, and per post its author and its text."""

from __future__ import annotations

from collections.abc import Callable

from bench.faults.page_frames import Sample, Words, finished, frame

QUOTE = "<blockquote><p>{}</p></blockquote>"


def threads(pages: int) -> list[Sample]:
    """Return `pages` threads of each engine."""
    samples: list[Sample] = []
    for name, template in ENGINES.items():
        for index in range(pages):
            words = Words(f"{name}-{index}")
            samples.append(finished("forum", name, template(words)))
    return samples


def _posts(words: Words, post: Callable[[int, str, str], str], low: int = 3, high: int = 9) -> str:
    count = words.draw.randint(low, high)
    return "\n".join(post(index, words.name(), _text(words)) for index in range(count))


def _text(words: Words) -> str:
    # Replies are short more often than not.
    return words.text(1, 2) if words.draw.random() < 0.5 else words.text(3, 7)


def _phpbb(words: Words) -> str:
    title = words.title()

    def post(index: int, name: str, text: str) -> str:
        return (
            f'<div id="p{index + 5011}" class="post has-profile bg{index % 2 + 1}"><div class="inner">'
            f'<dl class="postprofile" id="profile{index}"><dt><a href="./memberlist.php?mode=viewprofile&u={index}" '
            f'class="username">⟦{name}⟧</a></dt><dd class="profile-rank">Moderator</dd><dd class="profile-posts">'
            f"<strong>Posts:</strong> <a href='s'>{words.draw.randint(1, 900)}</a></dd><dd class='profile-joined'>Joined: "
            f'{words.date()}</dd></dl><div class="postbody"><div id="post_content{index}"><h3><a href="#p">Re: {title}</a>'
            f'</h3><ul class="post-buttons"><li><a href="r">Quote</a></li></ul><p class="author"><a href="#">Post</a> by '
            f'<strong>{name}</strong> » {words.date()}</p><div class="content">⟦{text}<br>{words.sentence()}⟧</div>'
            f'<div id="sig{index}" class="signature">Sent from my garden shed</div></div></div></div></div>'
        )

    main = (
        f'<div id="page-body" class="page-body" role="main"><h2 class="topic-title"><a href="v">⟦{title}⟧</a></h2>'
        f'<div class="action-bar"><a href="r">Post Reply</a><div class="pagination">7 posts • Page 1 of 1</div></div>'
        f'{_posts(words, post)}<div class="action-bar actions-jump"><p class="jumpbox-return"><a href="f">Return to '
        f"“General”</a></p></div></div>"
    )
    return frame(
        words, main, title=title, style="divs", body='id="phpbb" class="nojs section-viewtopic"'
    )


def _vbulletin(words: Words) -> str:
    title = words.title()

    def post(index: int, name: str, text: str) -> str:
        return (
            f'<li class="postbitlegacy postbitim postcontainer" id="post_{index + 880}"><div class="posthead"><span class='
            f'"postdate">{words.date()}, 10:4{index}</span><span class="nodecontrols"><a href="#">#{index + 1}</a></span>'
            f'</div><div class="postdetails"><div class="userinfo"><div class="username_container"><a class="username '
            f'offline" href="member.php?{index}"><strong>⟦{name}⟧</strong></a></div><span class="usertitle">Senior Member'
            f'</span><dl class="userinfo_extra"><dt>Join Date</dt><dd>{words.date()}</dd><dt>Posts</dt><dd>412</dd></dl>'
            f'</div><div class="postbody"><div class="postrow"><div class="content"><div id="post_message_{index}">'
            f'<blockquote class="postcontent restore">⟦{text}⟧</blockquote></div></div></div></div></div><div class='
            f'"postfoot"><a href="q">Reply With Quote</a></div></li>'
        )

    main = (
        f'<div id="pagetitle" class="pagetitle"><h1>Thread: <span class="threadtitle"><a href="t">⟦{title}⟧</a></span>'
        f'</h1></div><div id="postlist" class="postlist"><ol id="posts" class="posts">{_posts(words, post)}</ol></div>'
        f'<div class="navlinks"><a href="#">Next Thread</a></div><div id="quick_reply" class="quick-reply">Quick Reply'
        f"</div>"
    )
    return frame(
        words,
        main,
        title=title,
        style="divs",
        head='<meta name="generator" content="vBulletin 4.2.2">',
    )


def _xenforo(words: Words) -> str:
    title = words.title()

    def post(index: int, name: str, text: str) -> str:
        return (
            f'<article class="message message--post js-post" data-author="{name}" data-content="post-{index}" id="js-post-'
            f'{index}"><div class="message-inner"><div class="message-cell message-cell--user"><section class='
            f'"message-user"><h4 class="message-name"><a href="/members/{index}/" class="username">⟦{name}⟧</a></h4><h5 '
            f'class="userTitle message-userTitle">Well-known member</h5><div class="message-userExtras"><dl><dt>Joined'
            f"</dt><dd>{words.date()}</dd></dl><dl><dt>Messages</dt><dd>2,201</dd></dl></div></section></div><div class="
            f'"message-cell message-cell--main"><header class="message-attribution"><a href="#"><time>{words.date()}</time>'
            f'</a> <a href="#">#{index + 1}</a></header><div class="message-content"><div class="message-userContent"><'
            f'article class="message-body"><div class="bbWrapper">⟦{text}⟧</div></article></div></div><footer class='
            f'"message-footer"><div class="message-actionBar"><a href="l">Like</a> <a href="q">Reply</a></div></footer>'
            f"</div></div></article>"
        )

    main = (
        f'<div class="p-title"><h1 class="p-title-value">⟦{title}⟧</h1></div><div class="p-description">Thread starter '
        f'<a href="u">{words.name()}</a> Start date {words.date()}</div><form action="/inline"><div class="block block--'
        f'messages"><div class="block-body js-replyNewMessageContainer">{_posts(words, post)}</div></div></form>'
    )
    return frame(words, main, title=title, body='data-template="thread_view"')


def _discourse(words: Words) -> str:
    title = words.title()

    def post(index: int, name: str, text: str) -> str:
        return (
            f'<div id="post_{index + 1}" itemprop="comment" itemscope itemtype="http://schema.org/Comment" class="topic-body'
            f' crawler-post"><div class="crawler-post-meta"><span class="creator" itemprop="author" itemscope itemtype='
            f'"http://schema.org/Person"><a itemprop="url" href="/u/{index}"><span itemprop="name">⟦{name}⟧</span></a>'
            f'</span><span class="crawler-post-infos"><time class="post-time">{words.date()}</time><span itemprop='
            f'"position">{index + 1}</span></span></div><div class="post" itemprop="text"><p>⟦{text}⟧</p></div><div class='
            f'"crawler-post-links"></div></div>'
        )

    main = (
        f'<div id="topic-title"><h1><a href="/t/x/1">⟦{title}⟧</a></h1><div class="topic-category"><a href="/c/general">'
        f'General</a></div></div><div itemscope itemtype="http://schema.org/DiscussionForumPosting">{_posts(words, post)}'
        f'</div><div id="related-topics" class="more-topics__list"><h3>Related topics</h3><table><tr><td><a href="/t/2">'
        f"{words.title()}</a></td><td>4</td></tr></table></div>"
    )
    return frame(
        words,
        main,
        title=title,
        style="divs",
        head='<meta name="generator" content="Discourse 3.2.0">',
    )


def _answers(words: Words) -> str:
    title = words.title()

    def comment(index: int, name: str, text: str) -> str:
        return (
            f'<li id="comment-{index}" class="comment js-comment"><div class="js-comment-actions comment-actions"><span>2'
            f'</span></div><div class="comment-text"><div class="comment-body"><span class="comment-copy">⟦{text}⟧</span> -'
            f' <a href="/users/{index}/x" class="comment-user">⟦{name}⟧</a> <span class="comment-date">{words.date()}'
            f"</span></div></div></li>"
        )

    def unit(kind: str, index: int, name: str, text: str) -> str:
        return (
            f'<div id="{kind}-{index + 40}" class="{kind} js-{kind}"><div class="post-layout"><div class="votecell post-'
            f'layout--left"><div class="js-vote-count">14</div></div><div class="{kind}cell postcell post-layout--right">'
            f'<div class="s-prose js-post-body" itemprop="text"><p>⟦{text}⟧</p><pre><code>⟦load --retry {index + 3}\n'
            f'wait 5⟧</code></pre></div><div class="post-taglist"><a href="t" class="post-tag">pumps</a></div><div class='
            f'"post-signature owner"><div class="user-info"><div class="user-action-time">asked {words.date()}</div><div '
            f'class="user-details" itemprop="author"><a href="/users/{index}/x">⟦{name}⟧</a><span class="reputation-score">'
            f'1,204</span></div></div></div></div></div><div class="post-layout--right js-post-comments-component"><ul '
            f'class="comments-list">{_posts(words, comment, 0, 2)}</ul></div></div>'
        )

    answers = _posts(words, lambda index, name, text: unit("answer", index, name, text), 1, 4)
    main = (
        f'<div id="question-header"><h1><a href="q" class="question-hyperlink">⟦{title}⟧</a></h1></div><div class="d-flex">'
        f'<div>Asked <time>4 years ago</time></div><div>Viewed 12k times</div></div><div id="mainbar">'
        f'{unit("question", 1, words.name(), words.text(3, 6))}<div id="answers"><h2>3 Answers</h2>{answers}</div></div>'
    )
    head = '<script type="application/ld+json">{"@context":"https://schema.org","@type":"QAPage"}</script>'
    return frame(words, main, title=title, style="divs", head=head, body='class="question-page"')


def _old_tree(words: Words) -> str:
    title = words.title()

    def post(index: int, name: str, text: str, depth: int = 0) -> str:
        inner = ""
        if depth < 3 and words.draw.random() < 0.5:
            inner = post(index + 100, words.name(), _text(words), depth + 1)
        return (
            f'<div class="thing id-t1_{index} noncollapsed comment" id="thing_t1_{index}" data-author="{name}"><div class='
            f'"midcol unvoted"></div><div class="entry unvoted"><p class="tagline"><a href="javascript:void(0)" class='
            f'"expand">[-]</a><a href="/user/{name}" class="author may-blank">⟦{name}⟧</a> <span class="score unvoted">12 '
            f'points</span> <time class="live-timestamp">2 years ago</time></p><form class="usertext"><div class="usertext'
            f'-body"><div class="md"><p>⟦{text}⟧</p></div></div></form><ul class="flat-list buttons"><li><a href="p">'
            f'permalink</a></li><li><a href="r">reply</a></li></ul></div><div class="child"><div class="sitetable listing">'
            f"{inner}</div></div></div>"
        )

    main = (
        f'<div class="content" role="main"><div id="siteTable" class="sitetable linklisting"><div class="thing id-t3_x self'
        f' link" data-author="opal"><div class="entry unvoted"><div class="top-matter"><p class="title"><a class="title" '
        f'href="c">⟦{title}⟧</a></p><p class="tagline">submitted by <a class="author" href="/user/opal">⟦opal⟧</a></p></div>'
        f'<div class="expando"><form class="usertext"><div class="usertext-body"><div class="md">⟦{words.paragraphs(1, 3)}⟧'
        f'</div></div></form></div></div></div></div><div class="commentarea"><div class="panestack-title">all comments'
        f'</div><div class="sitetable nestedlisting">{_posts(words, post)}</div></div></div>'
    )
    return frame(words, main, title=title, style="divs", body='class="comments-page"')


def _table_tree(words: Words) -> str:
    title = words.title()

    def post(index: int, name: str, text: str) -> str:
        return (
            f'<tr class="athing comtr" id="{38001 + index}"><td><table border="0"><tr><td class="ind"><img src="s.gif" '
            f'width="{40 * (index % 3)}"></td><td class="votelinks"><a href="v"><div class="votearrow"></div></a></td><td '
            f'class="default"><div><span class="comhead"><a href="user?id={name}" class="hnuser">⟦{name}⟧</a> <span class='
            f'"age"><a href="i">3 hours ago</a></span> <span class="navs"> | <a href="#2">next</a> [-]</span></span></div>'
            f'<div class="comment"><div class="commtext c00">⟦{text}<p>{words.sentence()}⟧</div><div class="reply"><p><font '
            f'size="1"><u><a href="reply">reply</a></u></font></div></div></td></tr></table></td></tr>'
        )

    main = (
        f'<table class="fatitem"><tr class="athing submission" id="38000"><td class="title"><span class="titleline"><a href='
        f'"x">⟦{title}⟧</a></span></td></tr><tr><td class="subtext"><span class="score">48 points</span> by <a class="hnuser"'
        f' href="user?id=z">zed</a> | <a href="h">hide</a></td></tr></table><table class="comment-tree">'
        f"{_posts(words, post, 4, 12)}</table>"
    )
    return frame(words, main, title=title, style="table")


def _mail_archive(words: Words) -> str:
    title = words.title()
    name = words.name()
    text = "\n\n".join(words.text(2, 4) for _ in range(3))
    main = (
        f'<h1>⟦{title}⟧</h1><b>⟦{name}⟧</b> <a href="mailto:list%40x">list at example.org</a><br><i>{words.date()}</i><p>'
        f'<ul><li>Previous message (by thread): <a href="1.html">{words.title()}</a></li><li>Next message: <a href='
        f'"2.html">{words.title()}</a></li><li><b>Messages sorted by:</b> <a href="date.html">[ date ]</a></li></ul><hr>'
        f"<!--beginarticle--><pre>⟦{text}\n\n&gt; {words.sentence()}\n&gt; {words.sentence()}\n\n{words.sentence()}⟧</pre>"
        f"<!--endarticle--><hr>"
    )
    return f"<!DOCTYPE html><html><head><title>{title}</title></head><body bgcolor='#ffffff'>{main}</body></html>"


def _mail_thread(words: Words) -> str:
    title = words.title()

    def post(index: int, name: str, text: str) -> str:
        return (
            f'<section class="email" id="{index}abc"><div class="email-header"><div class="email-author"><span class='
            f'"name"><a href="/users/{index}/">⟦{name}⟧</a></span></div><div class="email-date">{words.date()}</div></div>'
            f'<div class="email-body">⟦{text}⟧</div><div class="email-info"><a href="l">0 0</a> <a href="r">Reply</a></div>'
            f"</section>"
        )

    main = f'<div class="thread"><h1>⟦{title}⟧</h1><div class="replies">{_posts(words, post)}</div></div>'
    return frame(words, main, title=title, head='<meta name="generator" content="HyperKitty">')


def _smf(words: Words) -> str:
    title = words.title()

    def post(index: int, name: str, text: str) -> str:
        return (
            f'<div class="windowbg" id="msg{index + 700}"><div class="post_wrapper"><div class="poster"><h4><a href="?action='
            f'profile;u={index}" title="View the profile">⟦{name}⟧</a></h4><ul class="user_info"><li class="membergroup">Full '
            f'Member</li><li class="postcount">Posts: 142</li></ul></div><div class="postarea"><div class="keyinfo"><div id='
            f'"subject_{index}" class="subject_title"><a href="#">Re: {title}</a></div><span class="smalltext">« Reply '
            f'#{index} on: {words.date()} »</span></div><div class="post"><div class="inner" id="msg_{index}">⟦{text}⟧</div>'
            f'</div></div><div class="moderatorbar"><div class="smalltext"><a href="r">Report to moderator</a></div><div '
            f'class="signature">My other pump is a well.</div></div></div></div>'
        )

    main = (
        f'<div id="forumposts"><h2 class="display_title">⟦{title}⟧</h2>{_posts(words, post)}</div>'
    )
    return frame(words, main, title=title, style="divs", body='class="action_messageindex forum"')


def _opaque(words: Words) -> str:
    """Return posts with classes of a build tool: only structure and links to users show what they are."""
    title = words.title()

    def post(index: int, name: str, text: str) -> str:
        return (
            f'<div class="css-1x9kq2 eau31"><div class="css-77ab"><a class="css-0aa" href="/profile/{index}">⟦{name}⟧</a>'
            f'<time class="css-9t" datetime="2021-03-0{index % 9 + 1}">{words.date()}</time></div><div class="css-55f"><p>'
            f"⟦{text}⟧</p></div></div>"
        )

    main = f'<h1 class="css-h1">⟦{title}⟧</h1><div class="css-list">{_posts(words, post)}</div>'
    head = '<link rel="canonical" href="https://site.example/discussions/4411/x">'
    return frame(words, main, title=title, style="html5", head=head)


def _bbpress(words: Words) -> str:
    title = words.title()

    def post(index: int, name: str, text: str) -> str:
        return (
            f'<div id="post-{index + 20}" class="bbp-reply-header"><div class="bbp-meta"><span class="bbp-reply-post-date">'
            f'{words.date()}</span><a href="#" class="bbp-reply-permalink">#{index}</a></div></div><div class="loop-item-'
            f'{index} reply type-reply status-publish hentry"><div class="bbp-reply-author"><a href="/forums/users/{index}/" '
            f'class="bbp-author-link"><span class="bbp-author-name">⟦{name}⟧</span></a><div class="bbp-author-role">'
            f'Participant</div></div><div class="bbp-reply-content">⟦<p>{text}</p>⟧</div></div>'
        )

    main = (
        f'<article class="topic hentry"><h1 class="entry-title">⟦{title}⟧</h1><div id="bbpress-forums"><ul class="forums '
        f'bbp-replies"><li class="bbp-body">{_posts(words, post)}</li></ul></div></article>'
    )
    return frame(
        words,
        main,
        title=title,
        head='<link rel="canonical" href="https://x.example/forums/topic/a/">',
    )


ENGINES: dict[str, Callable[[Words], str]] = {
    "phpbb": _phpbb,
    "vbulletin": _vbulletin,
    "xenforo": _xenforo,
    "discourse": _discourse,
    "answers": _answers,
    "old tree": _old_tree,
    "table tree": _table_tree,
    "mail archive": _mail_archive,
    "mail thread": _mail_thread,
    "smf": _smf,
    "opaque": _opaque,
    "bbpress": _bbpress,
}
