// What every page loads. Everything here makes pages nicer; none of it is needed to read or write.
import "htmx.org";
import "./menus";
import "./toasts";
import "./requests";
import "./dialogs";
import "./palette";
import "./selection";
import "./walk";
import "./keyboard";
import "./composer";
import "./mentions";
import "./inline";
import "./suggest";
import "./preferences";
import "./times";
import "./page";
import "./api";
